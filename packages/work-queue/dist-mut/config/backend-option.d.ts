import * as z from "zod";
export type BackendAddress = {
    readonly kind: "embedded";
    readonly folder: string;
} | {
    readonly kind: "redis" | "postgres";
    readonly url: string;
};
export declare const backendOption: z.ZodCodec<z.ZodString, z.ZodCustom<BackendAddress, BackendAddress>>;
//# sourceMappingURL=backend-option.d.ts.map