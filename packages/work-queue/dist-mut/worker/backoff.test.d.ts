export {};
//# sourceMappingURL=backoff.test.d.ts.map