export {};
//# sourceMappingURL=file-contract.test.d.ts.map