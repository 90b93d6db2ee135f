export {};
//# sourceMappingURL=scaled-queue.test.d.ts.map