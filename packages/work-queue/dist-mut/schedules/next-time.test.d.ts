export {};
//# sourceMappingURL=next-time.test.d.ts.map