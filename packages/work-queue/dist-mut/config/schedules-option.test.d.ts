export {};
//# sourceMappingURL=schedules-option.test.d.ts.map