export {};
//# sourceMappingURL=job-names.test.d.ts.map