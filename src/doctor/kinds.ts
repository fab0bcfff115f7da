/** All kinds of things that the doctor knows. Each is made by the part of the library that leaves it on disks. */
import { checkpointKind } from "../checkpoint/index.ts";
import type { Kind } from "../core/finding.ts";
import { measure } from "../core/measure.ts";
import { quarantineKind } from "../core/quarantine-kind.ts";
import { unitKind } from "../core/unit-kind.ts";
import { OURS } from "../format/names.ts";
import { lstat } from "../io/program.ts";
import { lockKind } from "../lock/index.ts";
import { logKind } from "../log/index.ts";
import { tileSetKind } from "../tiles/index.ts";
import { claimsKind } from "../tx/index.ts";
import { pathIn } from "../util/path.ts";

/** What has our name and is of none of the other kinds: perhaps a newer version has left it. */
const unknownKind: Kind = {
  names: OURS,
  keyOf: (name) => (OURS.test(name) ? name : undefined),
  *examine({ dir, names: [name = ""] }) {
    const path = pathIn(dir, name);
    if (!(yield* lstat(path))) return undefined;
    const text = "this version of Holdfast does not know the name, perhaps a newer one does: left as it is";
    return { path, kind: "unknown", state: "unknown", ...(yield* measure(path)), repair: "kept", text };
  },
};

/** The first that has a key for a name is the one. */
export const KINDS: readonly Kind[] = [
  unitKind,
  quarantineKind,
  checkpointKind,
  logKind,
  tileSetKind,
  lockKind,
  claimsKind,
  unknownKind,
];

/** What is listed of a directory. */
export const NAMES = new RegExp(KINDS.map(({ names }) => names.source).join("|"));
