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
