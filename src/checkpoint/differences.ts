/** In what two fingerprints differ. */

/** One place where a saved fingerprint and that of now are not the same. `undefined`: there is nothing. */
export interface FingerprintDifference {
  /** Keys, with dots between them; empty: the whole. */
  readonly path: string;
  readonly saved: unknown;
  readonly now: unknown;
}

/** All differences of two values that JSON has a text for. Lists are compared as a whole, the order of keys does not count. */
export function differences(saved: unknown, now: unknown, path = ""): FingerprintDifference[] {
  if (!isObject(saved) || !isObject(now)) return canonical(saved) === canonical(now) ? [] : [{ path, saved, now }];
  const keys = new Set([...Object.keys(saved), ...Object.keys(now)]);
  return [...keys].flatMap((key) => differences(saved[key], now[key], path === "" ? key : `${path}.${key}`));
}

/** The value as a file has it: without what JSON leaves out. */
export function asStored(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function canonical(value: unknown): string | undefined {
  const sorted = (_key: string, one: unknown): unknown =>
    isObject(one) ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one;
  return JSON.stringify(value, sorted);
}
