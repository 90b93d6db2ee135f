export {};
//# sourceMappingURL=stored-request.js.map