export {};
//# sourceMappingURL=board.test.d.ts.map