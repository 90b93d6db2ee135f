export {};
//# sourceMappingURL=depth-watch.test.d.ts.map