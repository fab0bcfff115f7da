/** Short keys of values, to tell states apart. Not for security: nobody attacks a simulation. */

/** 53 bits of `text` (cyrb53), as text. A collision would hide one state out of about 2^26 distinct ones. */
export function digest(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return ((low >>> 0) * 2 ** 21 + (high >>> 11)).toString(36);
}

const known = new WeakMap<Uint8Array, string>();

/** The key of bytes that never change. */
export function digestBytes(bytes: Uint8Array): string {
  let key = known.get(bytes);
  if (key === undefined) {
    key = digest(String.fromCharCode(...bytes));
    known.set(bytes, key);
  }
  return key;
}

/** The key of any plain value: byte arrays, bigints and errors included. */
export function digestValue(value: unknown): string {
  return digest(JSON.stringify(value, plain) ?? String(value));
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Error) return "code" in value ? String(value.code) : value.message;
  if (value instanceof Map || value instanceof Set) return [...value];
  return value;
}
