/** Deep forms of sweeps: set by the proof tier, not by npm test. */
export const deep = process.env["HOLDFAST_DEEP"] === "1";
