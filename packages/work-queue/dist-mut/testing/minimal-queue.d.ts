export {};
//# sourceMappingURL=minimal-queue.d.ts.map