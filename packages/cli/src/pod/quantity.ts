/** Kubernetes quantities: 500m, 2, 64Mi, 1e3; and what resourceFieldRef makes of one (the value in divisors, rounded up). */

const SUFFIX: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** @returns the number, or NaN where the text is no quantity. */
export function parseQuantity(text: string | number): number {
  const match = /^([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)([KMGTPE]i|[numkMGTPE])?$/.exec(String(text));
  return match ? Number(match[1]) * (SUFFIX[match[2] ?? ""] as number) : NaN;
}

export function inDivisors(value: string | number, divisor: string | number = 1): string {
  const of = parseQuantity(divisor) || 1;
  // A millionth is forgiven: 0.1 + 0.2 must not round up to one more.
  return String(Math.ceil(parseQuantity(value) / of - 1e-6));
}
