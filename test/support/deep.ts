/**
 * How much of what takes long is run. `npm test` runs the narrow form; `npm run test:nodes` and `test:windows` the wide one, so CI does;
 * `npm run test:proof`, and tiers with `--long`, all of it.
 */

/** Whether the long forms are wanted. */
export const deep = process.env["HOLDFAST_LONG"] === "1";

/** Whether what `npm test` has no time for is wanted. */
export const wide = deep || process.env["HOLDFAST_WIDE"] === "1";

/** A reason to skip what is not in the narrow form. */
export const needsWide: string | false = !wide && "takes long: runs with HOLDFAST_WIDE=1, as in CI";
