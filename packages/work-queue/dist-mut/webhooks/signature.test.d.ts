export {};
//# sourceMappingURL=signature.test.d.ts.map