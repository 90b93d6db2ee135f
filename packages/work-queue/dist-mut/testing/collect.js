/** All that comes; Array.fromAsync, which Node 20 has not. */
export async function collect(items) {
    const all = [];
    for await (const item of items)
        all.push(item);
    return all;
}
//# sourceMappingURL=collect.js.map