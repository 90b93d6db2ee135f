/**
 * Who wants to be told when there is something to do, and when no more (StreamIsActive): each at once of what is known, then
 * of each change. Nothing is said while the backend is away: to say `false` would end the workers, and to end the stream would
 * have KEDA wait up to a minute before it asks again, so that whoever comes first would wait for it.
 */
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { IsActiveResponse, ScaledObjectRef } from "./external-scaler.ts";
export type ActivityStream = ServerWritableStream<ScaledObjectRef, IsActiveResponse>;
export declare class ActivityStreams {
    #private;
    /** @param isActive null: not known */
    constructor(isActive: () => boolean | null);
    get count(): number;
    add(stream: ActivityStream): void;
    /** It may be otherwise now. */
    changed(): void;
    /** All end well: whoever asks again is told by another front. */
    end(): void;
}
//# sourceMappingURL=activity-streams.d.ts.map