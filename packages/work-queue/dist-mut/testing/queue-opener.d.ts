export {};
//# sourceMappingURL=queue-opener.d.ts.map