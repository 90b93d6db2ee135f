export {};
//# sourceMappingURL=files-many.test.d.ts.map