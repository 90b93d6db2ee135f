export {};
//# sourceMappingURL=job-watches.test.d.ts.map