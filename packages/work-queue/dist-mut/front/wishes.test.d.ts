export {};
//# sourceMappingURL=wishes.test.d.ts.map