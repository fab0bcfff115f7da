/** Values of options, checked: a wrong one ends as usage error. */
import { InvalidArgumentError } from "commander";

/** Permission bits as chmod takes them. */
export function octalMode(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new InvalidArgumentError("Must be octal, from 0 to 7777, e.g. 600.");
  return Number.parseInt(text, 8);
}

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`Must be a whole number from ${min} to ${max}.`);
    return value;
  };
}

/** Seeds are 32 bits. */
export const seedNumber = wholeNumber(0, 2 ** 32 - 1);

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** A number of bytes, at least 1: `1000000`, `256M`, `4G`. */
export function byteCount(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+)([kMG]?)$/.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[unit] ?? 0);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError("Must be a number of bytes, with k, M or G for 1024 of each, e.g. 512M.");
}
