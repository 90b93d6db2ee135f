export {};
//# sourceMappingURL=work-queue.test.d.ts.map