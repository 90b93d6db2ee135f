export {};
//# sourceMappingURL=dead-rows.test.d.ts.map