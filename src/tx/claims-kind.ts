/** The place of claims, as the doctor sees it. */
import type { Kind } from "../core/finding.ts";
import { measure } from "../core/measure.ts";
import { CLAIMS_NAME } from "../format/names.ts";
import { lstat } from "../io/program.ts";
import { pathIn } from "../util/path.ts";

/**
 * Nothing in it needs repair: a claim counts for as long as its transaction, which is a finding of its own.
 *
 * @internal
 */
export const claimsKind: Kind = {
  names: /^\.holdfast-claims$/,
  keyOf: (name) => (name === CLAIMS_NAME ? name : undefined),
  *examine({ dir, names: [name = ""] }) {
    const path = pathIn(dir, name);
    if (!(yield* lstat(path))) return undefined;
    const text = "where transactions say what they are about; it stays where it is";
    return { path, kind: "claims", state: "idle", ...(yield* measure(path)), repair: "kept", text };
  },
};
