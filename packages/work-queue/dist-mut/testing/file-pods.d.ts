import { type ContainerProcess } from "@outrigger/core/testing/container";
import { FileProgram } from "./file-program.ts";
/** A name that no other queue of this file has. */
export declare const newQueue: () => string;
export declare const options: {
    skip: string | false;
};
export interface Pod {
    readonly folder: string;
    readonly program: FileProgram;
}
export declare function pod(): Pod;
export declare const start: (queue: string, folder: string, ...more: string[]) => Promise<ContainerProcess>;
export declare const kill: (container: ContainerProcess) => Promise<void>;
export declare const post: (front: ContainerProcess, body: string, path?: string) => Promise<string>;
export declare const result: (front: ContainerProcess, id: string) => Promise<string>;
export declare const left: ({ folder }: Pod) => string[];
export declare const runsOf: ({ program }: Pod, id: string) => number;
//# sourceMappingURL=file-pods.d.ts.map