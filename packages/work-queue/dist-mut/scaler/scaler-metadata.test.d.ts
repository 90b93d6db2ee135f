export {};
//# sourceMappingURL=scaler-metadata.test.d.ts.map