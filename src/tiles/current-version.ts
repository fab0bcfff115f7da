/** The version that counts: the one that the index names, or if that is lost, the newest that an index has named. */
import type { Program } from "../io/program.ts";
import { type Place, readManifest, readMarked, type Survey } from "./generations.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";

/** A version with its record, which is whole. */
export interface Version {
  readonly manifest: Manifest;
  /** Of the manifest. */
  readonly digest: string;
  readonly directory: string;
}

/** @returns Undefined: there is none, or the manifest that the index names is damaged or gone. */
export function* currentVersion({ index, generations }: Survey, { path }: Pick<Place, "path">): Program<Version | undefined> {
  const named = typeof index === "object" ? index : undefined;
  for (const { name, path: directory } of [...generations].reverse()) {
    if (named && name !== named.directory) continue;
    const found = named ? yield* readManifest(directory) : yield* readMarked(directory);
    if (!found || (named && found.digest !== named.manifestSha256)) continue;
    return { manifest: decodeManifest(found.bytes, path), digest: found.digest, directory };
  }
  return undefined;
}
