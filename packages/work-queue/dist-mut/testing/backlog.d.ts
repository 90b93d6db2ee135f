export {};
//# sourceMappingURL=backlog.d.ts.map