/** Whether the long forms are wanted: of the proof tier, and of the others with `--long`. Not of `npm test`. */
export const deep = process.env["HOLDFAST_LONG"] === "1";
