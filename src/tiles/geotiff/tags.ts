/**
 * The head of a TIFF file: its header, and directories of tags with all that they refer to. Little-endian, classic (TIFF 6.0)
 * or BigTIFF. The blocks follow behind it.
 */

/** Types of values in a tag, with their numbers and sizes. */
const VALUE_TYPES = {
  ascii: { id: 2, bytes: 1 },
  short: { id: 3, bytes: 2 },
  long: { id: 4, bytes: 4 },
  double: { id: 12, bytes: 8 },
  long8: { id: 16, bytes: 8 },
} as const;

type ValueType = keyof typeof VALUE_TYPES;

/** One tag of the directory. */
export interface Tag {
  readonly id: number;
  readonly type: ValueType;
  readonly values: ArrayLike<number>;
}

/** A text as a tag; GDAL reads and writes UTF-8 here, though TIFF speaks of ASCII. */
export function textTag(id: number, text: string): Tag {
  return { id, type: "ascii", values: Buffer.from(`${text}\0`, "utf8") };
}

/** Where blocks are and how long: TileOffsets, TileByteCounts. */
const TILE_OFFSETS = 324;
const TILE_BYTE_COUNTS = 325;

interface Form {
  readonly headerBytes: number;
  readonly entryBytes: number;
  /** Bytes of the count of entries, and of what follows them. */
  readonly countBytes: number;
  /** Bytes of an offset, and so of a value that needs none. */
  readonly offsetBytes: 4 | 8;
  readonly offsetType: "long" | "long8";
}

const CLASSIC: Form = { headerBytes: 8, entryBytes: 12, countBytes: 2, offsetBytes: 4, offsetType: "long" };
const BIG: Form = { headerBytes: 16, entryBytes: 20, countBytes: 8, offsetBytes: 8, offsetType: "long8" };

const CLASSIC_BYTES_MAX = 0xffff_ffff;
/** Blocks begin at a multiple of it, and so are aligned for any type when they are not compressed. */
const ALIGNMENT = 16;

const aligned = (at: number, to: number): number => Math.ceil(at / to) * to;
const bytesOfTag = ({ type, values }: Tag): number => VALUE_TYPES[type].bytes * values.length;

/** A directory of tags, but for those that tell where its blocks are, and the sizes of these. */
export interface Directory {
  readonly tags: readonly Tag[];
  readonly blockBytes: ArrayLike<number>;
}

/**
 * The head of a file whose blocks follow it without gaps, directory by directory.
 *
 * @param alwaysBig BigTIFF also where classic TIFF could do.
 */
export function layOut(directories: readonly Directory[], alwaysBig: boolean): Uint8Array {
  const classic = new Head(directories, CLASSIC);
  const isBig = alwaysBig || classic.sizeBytes + classic.blocksBytes > CLASSIC_BYTES_MAX;
  return (isBig ? new Head(directories, BIG) : classic).write();
}

/** A directory and where it is. */
interface Placed {
  readonly tags: readonly Tag[];
  readonly start: number;
  /** Where what does not fit into an entry begins. */
  readonly apart: number;
  readonly end: number;
  readonly blockBytes: ArrayLike<number>;
}

class Head {
  readonly sizeBytes: number;
  readonly blocksBytes: number;
  readonly #form: Form;
  readonly #placed: readonly Placed[];

  constructor(directories: readonly Directory[], form: Form) {
    this.#form = form;
    let start = form.headerBytes;
    this.#placed = directories.map(({ tags, blockBytes }) => {
      const where = [TILE_OFFSETS, TILE_BYTE_COUNTS].map((id) => ({ id, type: form.offsetType, values: blockBytes }));
      const all = [...tags, ...where].sort((a, b) => a.id - b.id);
      const apart = start + form.countBytes + all.length * form.entryBytes + form.offsetBytes;
      const end = all.reduce((at, tag) => this.#place(tag, at).end, apart);
      const placed = { tags: all, start, apart, end, blockBytes };
      start = aligned(end, 8);
      return placed;
    });
    this.sizeBytes = aligned(this.#placed.at(-1)?.end ?? start, ALIGNMENT);
    this.blocksBytes = directories.reduce((sum, { blockBytes }) => sum + total(blockBytes), 0);
  }

  /** Where the values of a tag stand if they don't fit into its entry. */
  #place(tag: Tag, at: number): { readonly at: number | undefined; readonly end: number } {
    const bytes = bytesOfTag(tag);
    if (bytes <= this.#form.offsetBytes) return { at: undefined, end: at };
    const start = aligned(at, 8);
    return { at: start, end: start + bytes };
  }

  write(): Uint8Array {
    const bytes = new Uint8Array(this.sizeBytes);
    const view = new DataView(bytes.buffer);
    this.#writeHeader(view);
    let blocksAt = this.sizeBytes;
    this.#placed.forEach((placed, i) => {
      this.#writeDirectory(view, placed, blocksAt, this.#placed[i + 1]?.start ?? 0);
      blocksAt += total(placed.blockBytes);
    });
    return bytes;
  }

  #setNumber(view: DataView, at: number, size: number, value: number): void {
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
  }

  #writeDirectory(view: DataView, { tags, start, apart, blockBytes }: Placed, blocksAt: number, next: number): void {
    const { entryBytes, countBytes, offsetBytes } = this.#form;
    this.#setNumber(view, start, countBytes, tags.length);
    let entry = start + countBytes;
    let free = apart;
    for (const tag of tags) {
      const { id, bytes: size } = VALUE_TYPES[tag.type];
      const { at, end } = this.#place(tag, free);
      free = end;
      const values = tag.id === TILE_OFFSETS ? offsetsFrom(blocksAt, blockBytes) : tag.values;
      view.setUint16(entry, tag.id, true);
      view.setUint16(entry + 2, id, true);
      this.#setNumber(view, entry + 4, offsetBytes, values.length);
      const inEntry = entry + 4 + offsetBytes;
      if (at !== undefined) this.#setNumber(view, inEntry, offsetBytes, at);
      for (let i = 0; i < values.length; i++) {
        const to = (at ?? inEntry) + i * size;
        const value = values[i] as number;
        if (tag.type === "double") view.setFloat64(to, value, true);
        else if (tag.type === "ascii") view.setUint8(to, value);
        else this.#setNumber(view, to, size, value);
      }
      entry += entryBytes;
    }
    this.#setNumber(view, entry, offsetBytes, next);
  }

  #writeHeader(view: DataView): void {
    view.setUint16(0, 0x4949, true); // "II"
    if (this.#form === CLASSIC) {
      view.setUint16(2, 42, true);
      view.setUint32(4, CLASSIC.headerBytes, true);
      return;
    }
    view.setUint16(2, 43, true);
    view.setUint16(4, BIG.offsetBytes, true);
    view.setBigUint64(8, BigInt(BIG.headerBytes), true);
  }
}

/** Exact up to 2^53. */
function offsetsFrom(start: number, blockBytes: ArrayLike<number>): ArrayLike<number> {
  const offsets = new Float64Array(blockBytes.length);
  let at = start;
  for (let i = 0; i < offsets.length; i++) {
    offsets[i] = at;
    at += blockBytes[i] as number;
  }
  return offsets;
}

/** The sum of sizes. */
export function total(sizes: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < sizes.length; i++) sum += sizes[i] as number;
  return sum;
}
