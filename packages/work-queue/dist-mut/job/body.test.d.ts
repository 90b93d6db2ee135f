export {};
//# sourceMappingURL=body.test.d.ts.map