export {};
//# sourceMappingURL=schedules.test.d.ts.map