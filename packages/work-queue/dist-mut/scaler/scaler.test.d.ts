export {};
//# sourceMappingURL=scaler.test.d.ts.map