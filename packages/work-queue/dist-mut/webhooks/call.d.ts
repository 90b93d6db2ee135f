export interface CallOptions {
    /** Holds the key of the signature; read for each call, a line feed at its end is none of it. */
    readonly secretFile: string;
    /** PEM: what https trusts instead of what the system does. */
    readonly caFile: string | undefined;
    wallTime(): number;
}
/** @throws OutriggerError `not-told`: why it may not have been told; the signal's reason */
export declare function callWebhook(target: string, id: string, body: string, { secretFile, caFile, wallTime }: CallOptions, signal: AbortSignal): Promise<void>;
//# sourceMappingURL=call.d.ts.map