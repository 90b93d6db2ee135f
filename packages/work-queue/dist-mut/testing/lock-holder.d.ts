export {};
//# sourceMappingURL=lock-holder.d.ts.map