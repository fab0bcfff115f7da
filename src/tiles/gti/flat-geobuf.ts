/**
 * FlatGeobuf: rectangles, each with one text, and a tree by which a reader finds those that it needs without reading the others.
 * Source: the FlatGeobuf specification (`header.fbs`, `feature.fbs`, and the packed Hilbert R-tree). No library for JavaScript writes
 * the tree, or the metadata of a layer (flatgeobuf 4.5).
 */
import { FlatBuffer, type Writer } from "./flat-buffer.ts";

/** A rectangle: least x and y, greatest x and y. */
export type Box = readonly [number, number, number, number];

/** One rectangle, and its text. */
export interface Rectangle {
  readonly box: Box;
  readonly text: string;
}

/** What a layer is, beside its rectangles. */
export interface Layer {
  readonly name: string;
  /** Name of the text. */
  readonly column: string;
  readonly epsg: number | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** "fgb", version 3, "fgb", patch level 0. */
const MAGIC = [0x66, 0x67, 0x62, 3, 0x66, 0x67, 0x62, 0];
/** Rectangles or nodes below one node: what the specification suggests. */
const NODE_SIZE = 16;
const NODE_BYTES = 40;
const [POLYGON, STRING] = [3, 11];

/** Whether it begins as one. */
export function looksLikeFlatGeobuf(bytes: Uint8Array): boolean {
  return bytes.length > MAGIC.length && MAGIC.slice(0, 7).every((byte, at) => bytes[at] === byte);
}

/** The bytes of a layer of at least one rectangle. */
export function encodeFlatGeobuf(layer: Layer, rectangles: readonly Rectangle[]): Buffer {
  const buffer = new FlatBuffer(512);
  const features = rectangles.map(({ box, text }) => Buffer.from(buffer.encode(featureOf(box, text))));
  const levels = levelsOf(rectangles, features);
  const header = Buffer.from(buffer.encode(headerOf(layer, rectangles.length, levels.at(-1)?.[0]?.box ?? [0, 0, 0, 0])));
  return Buffer.concat([Uint8Array.from(MAGIC), header, treeOf(levels), ...features]);
}

const text =
  (value: string): Writer =>
  (buffer) =>
    buffer.text(value);

function headerOf({ name, column, epsg, metadata }: Layer, count: number, box: Box): Writer {
  const columns: Writer = (buffer) => buffer.table([0, text(column)], [1, 1, STRING]);
  const crs: Writer = (buffer) => buffer.table([0, text("EPSG")], [1, 4, epsg ?? 0]);
  return (buffer) =>
    buffer.table(
      [0, text(name)],
      [1, (at) => at.doubles(box)],
      [2, 1, POLYGON],
      [7, (at) => at.tables(columns)],
      [8, 8, count],
      [9, 2, NODE_SIZE],
      ...(epsg === undefined ? [] : [[10, crs] as const]),
      [13, text(JSON.stringify(metadata))],
    );
}

/** A feature has a polygon, and its values: each the number of its column and, of a text, its length before it. */
function featureOf([left, bottom, right, top]: Box, value: string): Writer {
  const ring = [left, top, right, top, right, bottom, left, bottom, left, top];
  const bytes = Buffer.from(value, "utf8");
  const head = Buffer.alloc(6);
  head.writeUInt32LE(bytes.length, 2);
  const geometry: Writer = (buffer) => buffer.table([1, (at) => at.doubles(ring)]);
  return (buffer) => buffer.table([0, geometry], [1, (at) => at.bytes(Buffer.concat([head, bytes]))]);
}

/** Part of the tree: what is below it, and where. */
interface Node {
  readonly box: Box;
  /** Of a rectangle: its first byte, after the tree; of others: the place, within its level, of the first that is below. */
  readonly first: number;
}

/** From the rectangles up to the one root. They stay in their order: neighbours in a row are close enough. */
function levelsOf(rectangles: readonly Rectangle[], features: readonly Uint8Array[]): readonly (readonly Node[])[] {
  let first = 0;
  const leaves = rectangles.map(({ box }, at): Node => {
    const node = { box, first };
    first += features[at]?.length ?? 0;
    return node;
  });
  const levels: Node[][] = [leaves];
  for (let level = leaves; level.length > 1 || levels.length === 1; levels.push(level)) {
    const below = level;
    level = Array.from({ length: Math.ceil(below.length / NODE_SIZE) }, (_, at) => {
      const start = at * NODE_SIZE;
      return { box: around(below.slice(start, start + NODE_SIZE)), first: start };
    });
  }
  return levels;
}

function around(nodes: readonly Node[]): Box {
  const all = (side: 0 | 1 | 2 | 3): number[] => nodes.map(({ box }) => box[side]);
  return [Math.min(...all(0)), Math.min(...all(1)), Math.max(...all(2)), Math.max(...all(3))];
}

/** The tree in bytes: the root first, and all of a level before the next. */
function treeOf(levels: readonly (readonly Node[])[]): Buffer {
  const bytes = Buffer.alloc(levels.reduce((sum, level) => sum + level.length, 0) * NODE_BYTES);
  let at = 0;
  for (let depth = levels.length - 1; depth >= 0; depth--) {
    const level = levels[depth] ?? [];
    const belowAt = at / NODE_BYTES + level.length;
    for (const { box, first } of level) {
      for (const side of box) at = bytes.writeDoubleLE(side, at);
      at = bytes.writeBigUInt64LE(BigInt(depth === 0 ? first : belowAt + first), at);
    }
  }
  return bytes;
}
