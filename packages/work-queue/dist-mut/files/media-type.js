/** The media type of what a program has written, by what its name ends with. */
const TYPES = {
    avif: "image/avif",
    csv: "text/csv",
    gif: "image/gif",
    gz: "application/gzip",
    html: "text/html",
    jpeg: "image/jpeg",
    jpg: "image/jpeg",
    json: "application/json",
    md: "text/markdown",
    mp3: "audio/mpeg",
    mp4: "video/mp4",
    ogg: "audio/ogg",
    pdf: "application/pdf",
    png: "image/png",
    svg: "image/svg+xml",
    tar: "application/x-tar",
    tif: "image/tiff",
    tiff: "image/tiff",
    txt: "text/plain",
    wav: "audio/wav",
    webm: "video/webm",
    webp: "image/webp",
    xml: "application/xml",
    zip: "application/zip",
};
export function mediaType(name) {
    const ending = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
    return Object.hasOwn(TYPES, ending) ? TYPES[ending] : "application/octet-stream";
}
//# sourceMappingURL=media-type.js.map