export {};
//# sourceMappingURL=pglite-pool.test.d.ts.map