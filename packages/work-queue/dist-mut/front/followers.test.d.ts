export {};
//# sourceMappingURL=followers.test.d.ts.map