export {};
//# sourceMappingURL=command.test.d.ts.map