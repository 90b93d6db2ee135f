/** The media type of what a program has written, by what its name ends with. */
export declare function mediaType(name: string): string;
//# sourceMappingURL=media-type.d.ts.map