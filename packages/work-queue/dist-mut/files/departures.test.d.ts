export {};
//# sourceMappingURL=departures.test.d.ts.map