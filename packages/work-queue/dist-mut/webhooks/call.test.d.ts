export {};
//# sourceMappingURL=call.test.d.ts.map