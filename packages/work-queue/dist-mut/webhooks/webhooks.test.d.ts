export {};
//# sourceMappingURL=webhooks.test.d.ts.map