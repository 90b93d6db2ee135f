export {};
//# sourceMappingURL=bullmq-on.test.d.ts.map