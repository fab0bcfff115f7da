/**
 * The head of a TIFF file: its header, and one directory of tags with all that they refer to. Little-endian, classic (TIFF 6.0)
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

/**
 * The head of a file whose blocks have these sizes and follow it without gaps.
 *
 * @param tags All but those that tell where the blocks are.
 * @param alwaysBig BigTIFF also where classic TIFF could do.
 */
export function layOut(tags: readonly Tag[], blockBytes: ArrayLike<number>, alwaysBig: boolean): Uint8Array {
  const sum = Array.prototype.reduce.call(blockBytes, (total, size) => (total as number) + (size as number), 0) as number;
  const classic = new Head(tags, blockBytes, CLASSIC);
  const isBig = alwaysBig || classic.sizeBytes + sum > CLASSIC_BYTES_MAX;
  return (isBig ? new Head(tags, blockBytes, BIG) : classic).write();
}

class Head {
  readonly sizeBytes: number;
  readonly #form: Form;
  readonly #tags: readonly Tag[];
  readonly #blockBytes: ArrayLike<number>;
  /** Where what does not fit into an entry begins. */
  readonly #apart: number;

  constructor(tags: readonly Tag[], blockBytes: ArrayLike<number>, form: Form) {
    const where = [TILE_OFFSETS, TILE_BYTE_COUNTS].map((id) => ({ id, type: form.offsetType, values: blockBytes }));
    this.#tags = [...tags, ...where].sort((a, b) => a.id - b.id);
    this.#form = form;
    this.#blockBytes = blockBytes;
    this.#apart = form.headerBytes + form.countBytes + this.#tags.length * form.entryBytes + form.offsetBytes;
    const end = this.#tags.reduce((at, tag) => this.#place(tag, at).end, this.#apart);
    this.sizeBytes = aligned(end, ALIGNMENT);
  }

  /** Where the values of a tag stand if they don't fit into its entry. */
  #place(tag: Tag, at: number): { readonly at: number | undefined; readonly end: number } {
    const bytes = bytesOfTag(tag);
    if (bytes <= this.#form.offsetBytes) return { at: undefined, end: at };
    const start = aligned(at, 8);
    return { at: start, end: start + bytes };
  }

  write(): Uint8Array {
    const { headerBytes, entryBytes, countBytes, offsetBytes } = this.#form;
    const bytes = new Uint8Array(this.sizeBytes);
    const view = new DataView(bytes.buffer);
    const setNumber = (at: number, size: number, value: number): void => {
      if (size === 2) view.setUint16(at, value, true);
      else if (size === 4) view.setUint32(at, value, true);
      else view.setBigUint64(at, BigInt(value), true);
    };
    this.#writeHeader(view);
    setNumber(headerBytes, countBytes, this.#tags.length);
    let entry = headerBytes + countBytes;
    let apart = this.#apart;
    for (const tag of this.#tags) {
      const { id, bytes: size } = VALUE_TYPES[tag.type];
      const { at, end } = this.#place(tag, apart);
      apart = end;
      const values = tag.id === TILE_OFFSETS ? this.#offsets() : tag.values;
      view.setUint16(entry, tag.id, true);
      view.setUint16(entry + 2, id, true);
      setNumber(entry + 4, offsetBytes, values.length);
      const inEntry = entry + 4 + offsetBytes;
      if (at !== undefined) setNumber(inEntry, offsetBytes, at);
      for (let i = 0; i < values.length; i++) {
        const to = (at ?? inEntry) + i * size;
        const value = values[i] as number;
        if (tag.type === "double") view.setFloat64(to, value, true);
        else if (tag.type === "ascii") bytes[to] = value;
        else setNumber(to, size, value);
      }
      entry += entryBytes;
    }
    return bytes;
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

  #offsets(): ArrayLike<number> {
    const offsets = new Float64Array(this.#blockBytes.length); // exact up to 2^53
    let at = this.sizeBytes;
    for (let i = 0; i < offsets.length; i++) {
      offsets[i] = at;
      at += this.#blockBytes[i] as number;
    }
    return offsets;
  }
}
