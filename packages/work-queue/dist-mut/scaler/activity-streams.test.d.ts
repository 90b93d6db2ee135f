export {};
//# sourceMappingURL=activity-streams.test.d.ts.map