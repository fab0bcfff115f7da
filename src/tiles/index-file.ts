/** The index, in the form that its name asks for. It follows from the manifest alone, byte by byte. */
import { indexForm, indexOfDirectory } from "../format/tile-set.ts";
import { looksLikeFlatGeobuf } from "./gti/flat-geobuf.ts";
import { parseGti, renderGti } from "./gti/gti.ts";
import type { Manifest } from "./manifest.ts";
import type { FoundIndex } from "./pointer.ts";
import { parseVrt, renderVrt } from "./vrt.ts";

/** The bytes of an index. Its form is that of the directory of its tiles. */
export function renderIndex(manifest: Manifest, manifestSha256: string): Uint8Array {
  const form = indexForm(indexOfDirectory(manifest.directory) ?? "");
  return form === "gti.fgb" ? renderGti(manifest, manifestSha256) : Buffer.from(renderVrt(manifest, manifestSha256), "utf8");
}

/** What an index says. */
export function parseIndex(bytes: Uint8Array): FoundIndex {
  return looksLikeFlatGeobuf(bytes) ? parseGti(bytes) : parseVrt(Buffer.from(bytes).toString("utf8"));
}
