/** What a test backend answers to request number N, so that a client can tell the right answer from any other. */

/** The body: number and backend, again and again, up to `size` bytes. */
export function answerBody(id: number, backend: string, size: number): string {
  const unit = `${id} ${backend} `;
  return unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
}

/** `/ID/SIZE/sized` or `/ID/SIZE/chunked`. */
export interface Wanted {
  readonly id: number;
  readonly size: number;
  readonly shape: "sized" | "chunked";
}

export function targetOf({ id, size, shape }: Wanted): string {
  return `/${id}/${size}/${shape}`;
}

/** @throws when it is none of ours */
export function parseTarget(target: string): Wanted {
  const match = /^\/(\d+)\/(\d+)\/(sized|chunked)$/.exec(target);
  if (!match) throw new Error(`${JSON.stringify(target)} is not /ID/SIZE/sized or /ID/SIZE/chunked`);
  return { id: Number(match[1]), size: Number(match[2]), shape: match[3] as Wanted["shape"] };
}
