/**
 * Points what names a path inside a volume at the volume's folder: an absolute path such as /app/shop.js cannot
 * exist on a laptop without a mount namespace, so command, args, workingDir and env values are rewritten.
 */

export interface Mount {
  /** As the manifest writes it: /app. */
  readonly mountPath: string;
  /** The folder (or, with a subPath, perhaps the file) that stands for it. */
  readonly folder: string;
  /** The plain folder of which `folder` is a subPath, made before the container starts. */
  readonly within?: string;
}

/**
 * Rewrites a value that begins with a mountPath, at the beginning of the text or right after its first `=`
 * (`--config=/etc/shop/x.yaml`), a word of our patterns before it or not (`--store=file:/elections`). Whole path components only: /app does not match /apples. The longest mountPath wins.
 */
export function rewriteMountPaths(text: string, mounts: readonly Mount[]): string {
  const equals = text.indexOf("=");
  for (const word of equals < 0 ? [0] : [0, equals + 1]) {
    const start = word + (FOLDER_WORD.exec(text.slice(word))?.[0].length ?? 0);
    let best: Mount | undefined;
    for (const mount of mounts) {
      const path = trimmed(mount.mountPath);
      if (!text.startsWith(path, start)) continue;
      const next = text[start + path.length];
      if (next !== undefined && next !== "/") continue;
      if (!best || path.length > trimmed(best.mountPath).length) best = mount;
    }
    if (best) return text.slice(0, start) + best.folder + text.slice(start + trimmed(best.mountPath).length);
  }
  return text;
}

/** Of a leader-elector's store; of a work queue's backend, large bodies and program. */
const FOLDER_WORD = /^(?:file|embedded|folder|files):/;

const trimmed = (path: string): string => (path === "/" ? path : path.replace(/\/+$/, ""));
