/** The same bytes in parts of that size; the last one may be smaller. */
export async function* parts(pieces, size) {
    let held = [];
    let length = 0;
    for await (let piece of pieces) {
        while (length + piece.length >= size) {
            const cut = size - length;
            yield Buffer.concat([...held, piece.subarray(0, cut)]);
            piece = piece.subarray(cut);
            held = [];
            length = 0;
        }
        if (piece.length > 0)
            held.push(piece);
        length += piece.length;
    }
    if (length > 0)
        yield Buffer.concat(held);
}
//# sourceMappingURL=parts.js.map