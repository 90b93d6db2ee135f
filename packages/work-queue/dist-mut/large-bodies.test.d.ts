export {};
//# sourceMappingURL=large-bodies.test.d.ts.map