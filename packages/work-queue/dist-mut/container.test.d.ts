export {};
//# sourceMappingURL=container.test.d.ts.map