export {};
//# sourceMappingURL=bodies.test.d.ts.map