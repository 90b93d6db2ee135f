export {};
//# sourceMappingURL=queue-worker.test.d.ts.map