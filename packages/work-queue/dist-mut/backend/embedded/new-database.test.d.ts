export {};
//# sourceMappingURL=new-database.test.d.ts.map