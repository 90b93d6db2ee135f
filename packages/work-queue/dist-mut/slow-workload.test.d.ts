export {};
//# sourceMappingURL=slow-workload.test.d.ts.map