export {};
//# sourceMappingURL=redis-clients.test.d.ts.map