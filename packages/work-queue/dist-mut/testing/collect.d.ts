/** All that comes; Array.fromAsync, which Node 20 has not. */
export declare function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]>;
//# sourceMappingURL=collect.d.ts.map