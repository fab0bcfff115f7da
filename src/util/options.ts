/** Options of public functions. An unknown key or a wrong value is refused before anything is touched. */

/** A check that returns what a valid value is, if the value is not one. */
export type Check = (value: unknown) => string | undefined;

/** One of these texts. */
export const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string) ? undefined : values.map((text) => JSON.stringify(text)).join(" or ");
/** True or false, nothing that is only like it. */
export const isBoolean: Check = (value) => (typeof value === "boolean" ? undefined : "true or false");
/** An integer from 0 to `max`, which a message shows as `text`. */
export const integer =
  (max: number, text = String(max)): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max ? undefined : `an integer from 0 to ${text}`;
/** An integer from 1 to `max`. */
export const positive =
  (max: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max ? undefined : `an integer from 1 to ${max}`;
/** What aborts a call. */
export const isSignal: Check = (value) => (value instanceof AbortSignal ? undefined : "an AbortSignal");
/** A file, by its path. */
export const isPath: Check = (value) => (typeof value === "string" || value instanceof URL ? undefined : "a path");
/** What has the look of a schema. */
export const isSchema: Check = (value) =>
  typeof value === "object" || typeof value === "function" ? undefined : "a Standard Schema";
/** What is called back. */
export const isFunction: Check = (value) => (typeof value === "function" ? undefined : "a function");

/** The options that a function knows, each with its check. */
export type Checks = Readonly<Record<string, Check>>;

/**
 * The given options, checked and copied.
 *
 * @throws {TypeError} Not an object, or a key that is not in `checks`.
 * @throws {RangeError} A value that the option can't have.
 */
export function checkOptions<T extends object>(given: T | undefined, checks: Checks): T {
  if (given === undefined) return {} as T;
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw new TypeError("options must be an object");
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (!check) throw new TypeError(`unknown option ${JSON.stringify(name)}; known are ${Object.keys(checks).join(", ")}`);
    if (value === undefined) continue;
    const wanted = check(value);
    if (wanted !== undefined) throw new RangeError(`option ${name} must be ${wanted}; it is ${show(value)}`);
    checked[name] = value;
  }
  return checked as T;
}

function show(value: unknown): string {
  return typeof value === "number" || typeof value === "string" ? JSON.stringify(value) : `a ${typeof value}`;
}
