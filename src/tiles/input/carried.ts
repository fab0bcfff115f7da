/** What a tile set takes over of an input beside its values, and in words what it can't: nothing is dropped in silence. */
import { checkNodata } from "../geotiff/geo.ts";
import type { GeoTiffOptions } from "../geotiff/index.ts";
import { TYPES } from "../geotiff/types.ts";
import { fitsXml, unescapeXml } from "../xml.ts";
import type { InputFile } from "./input-file.ts";
import type { Layout } from "./layout.ts";
import { crsOf, hasHeights, isPoint, transformOf } from "./place.ts";
import type { Tags } from "./tags.ts";

/** What is taken over, and what not. */
export interface Carried {
  readonly options: Pick<GeoTiffOptions, "crs" | "geoTransform" | "metadata" | "nodata">;
  readonly notKept: readonly string[];
}

/** What the caller knows better than the input. */
export type Given = Pick<GeoTiffOptions, "crs" | "geoTransform" | "metadata" | "nodata">;

/** Texts that GDAL shows as metadata of the dataset, by their tags. */
const TEXTS: Readonly<Record<number, string>> = {
  269: "TIFFTAG_DOCUMENTNAME",
  270: "TIFFTAG_IMAGEDESCRIPTION",
  305: "TIFFTAG_SOFTWARE",
  306: "TIFFTAG_DATETIME",
  315: "TIFFTAG_ARTIST",
  316: "TIFFTAG_HOSTCOMPUTER",
  33432: "TIFFTAG_COPYRIGHT",
};
/** What other tags are about. */
const TOPICS: Readonly<Record<number, string>> = {
  274: "its orientation",
  282: "its resolution in print",
  283: "its resolution in print",
  296: "its resolution in print",
  320: "its colour table",
  330: "the images within the image (SubIFD)",
  700: "its XMP metadata",
  33723: "its IPTC metadata",
  34665: "its EXIF metadata",
  34675: "its ICC colour profile",
  50844: "its rational polynomial coefficients (RPC)",
};
/** How the values are stored, and what is taken over. */
const HANDLED: readonly number[] = [
  ...[254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 322, 323, 324, 325, 338, 339],
  ...[33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113],
];

/**
 * What there is to be taken over.
 *
 * @throws {HoldfastError} UNSUPPORTED: it is placed in a way that a tile set can't have, and the caller has not said where.
 */
export function carriedOf(tags: Tags, layout: Layout, given: Given, file: InputFile): Carried {
  const notKept: string[] = [];
  const crs = given.crs ?? crsOf(tags, file);
  const geoTransform = given.geoTransform ?? transformOf(tags, file);
  const nodata = given.nodata ?? nodataOf(tags, layout, notKept);
  const metadata = given.metadata ?? metadataOf(tags, notKept);
  if (hasHeights(tags)) notKept.push("its reference system of heights");
  notKept.push(...coloursLost(tags, layout), ...tags.others);
  for (const id of tags.ids) {
    if (HANDLED.includes(id) || id in TEXTS || (id === 274 && tags.number(id) === 1)) continue;
    notKept.push(TOPICS[id] ?? `its tag ${id}`);
  }
  return { options: { crs, geoTransform, nodata, metadata }, notKept: [...new Set(notKept)] };
}

/** A value that its type can't have is no pixel's. */
function nodataOf(tags: Tags, { dtype }: Layout, notKept: string[]): bigint | number | undefined {
  const text = tags.text(42113)?.trim().toLowerCase();
  if (text === undefined || text === "") return undefined;
  const number = /^[+-]?inf/.test(text) ? Number(text.replace(/inf.*/, "Infinity")) : Number(text); // "nan" and what is no number: NaN
  const value = TYPES[dtype].range && /^[+-]?\d+$/.test(text) ? BigInt(text) : number;
  try {
    if (Number.isNaN(value) && !/^[+-]?nan/.test(text)) throw new RangeError("no number");
    checkNodata(value, dtype);
    return value;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    notKept.push(`its no-data value ${text}, which ${dtype} does not have`);
    return undefined;
  }
}

const ITEM = /<Item\s([^<>]*?)\s*(?:\/>|>([^<]*)<\/Item>)/g;
const ATTRIBUTE = /([\w:]+)\s*=\s*"([^"]*)"/g;

/** Tag GDAL_METADATA, of the dataset; GDAL also has other domains and items of bands. Values are escaped twice. */
function metadataOf(tags: Tags, notKept: string[]): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [id, name] of Object.entries(TEXTS)) {
    const text = tags.text(Number(id));
    if (text) metadata[name] = text;
  }
  if (isPoint(tags)) metadata["AREA_OR_POINT"] = "Point";
  for (const [, attributes = "", escaped = ""] of (tags.text(42112) ?? "").matchAll(ITEM)) {
    const facts = new Map([...attributes.matchAll(ATTRIBUTE)].map(([, name, value = ""]) => [name, unescapeXml(value)]));
    const [name = "", sample, domain] = [facts.get("name"), facts.get("sample"), facts.get("domain")];
    const role = facts.get("role");
    if (sample !== undefined) notKept.push(role ? `the ${role} of its bands` : "the metadata of its bands");
    else if (domain !== undefined) notKept.push(`its metadata of domain ${domain}`);
    else metadata[name] = unescapeXml(unescapeXml(escaped));
  }
  for (const [name, text] of Object.entries(metadata)) {
    if (name !== "" && fitsXml(name) && fitsXml(text)) continue;
    delete metadata[name];
    notKept.push(`its metadata ${JSON.stringify(name)}, which has control characters`);
  }
  return metadata;
}

/** Tags PhotometricInterpretation and ExtraSamples, in words. */
const PHOTOMETRIC = ["gray, 0 is white", "gray", "red, green, blue", "colours of a table", "a mask", "CMYK"];
const EXTRA = ["", "premultiplied alpha", "alpha"];

/** Tiles have the colours that their type and bands have by default: see encode.ts. */
function coloursLost(tags: Tags, { bands, dtype }: Layout): string[] {
  const photometric = tags.number(262) ?? 1;
  const colours = photometric === 2 ? 3 : photometric === 5 ? 4 : 1;
  const extras = Array.from({ length: Math.max(0, bands - colours) }, (_, i) => EXTRA[tags.numbers(338)[i] ?? 0] ?? "");
  const found = [PHOTOMETRIC[photometric] ?? `colours of number ${photometric}`, ...extras];
  const isColour = dtype === "uint8" && (bands === 3 || bands === 4);
  const made = isColour ? ["red, green, blue", ...(bands === 4 ? ["alpha"] : [])] : ["gray", ...new Array(bands - 1).fill("")];
  if (found.join() === made.join()) return [];
  const named = (all: readonly string[]): string => all.filter((one) => one !== "").join(", ");
  return [`that its bands are ${named(found)} (tiles say: ${named(made)})`];
}
