export {};
//# sourceMappingURL=front.test.d.ts.map