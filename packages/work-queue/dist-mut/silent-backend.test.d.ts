export {};
//# sourceMappingURL=silent-backend.test.d.ts.map