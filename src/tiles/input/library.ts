/**
 * The package geotiff (geotiff.js): an optional peer, loaded at its first use. It reads the tags of any TIFF, and undoes the
 * compressions that neither Node nor we can. What is between is ours, as geotiff.js reads some files wrongly: docs/decisions/0052.
 */
import { HoldfastError } from "../../errors.ts";

type Library = typeof import("geotiff");

/** @throws {HoldfastError} UNSUPPORTED: it is not installed. */
export async function loadGeotiff(): Promise<Library> {
  let library: Library;
  try {
    library = await import("geotiff");
  } catch (cause) {
    throw lacking("reading a GeoTIFF needs the package geotiff, which can't be loaded: npm install geotiff", cause);
  }
  if (typeof library.GeoTIFF?.fromSource === "function" && typeof library.getDecoder === "function") return library;
  throw lacking("reading a GeoTIFF needs a newer package geotiff: npm install geotiff@3", undefined);
}

const lacking = (what: string, cause: unknown): HoldfastError => new HoldfastError("UNSUPPORTED", { what, cause });
