export {};
//# sourceMappingURL=job-events.test.d.ts.map