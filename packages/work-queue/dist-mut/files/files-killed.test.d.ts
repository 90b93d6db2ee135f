export {};
//# sourceMappingURL=files-killed.test.d.ts.map