/** Where large bodies are kept, as a configuration names it. */
import * as z from "zod";
const ACCEPTED = "backend, or folder:PATH";
export const blobsOption = z
    .codec(z.string({ error: `accepted: ${ACCEPTED}` }), z.custom(), {
    decode(input, context) {
        if (input === "backend")
            return { kind: "backend" };
        const [, folder] = /^folder:([^\0]+)$/.exec(input) ?? [];
        if (folder !== undefined)
            return { kind: "folder", folder };
        context.issues.push({ code: "custom", input, message: `accepted: ${ACCEPTED}` });
        return z.NEVER;
    },
    encode: (address) => (address.kind === "folder" ? `folder:${address.folder}` : address.kind),
})
    .meta({ accepts: ACCEPTED });
//# sourceMappingURL=blobs-option.js.map