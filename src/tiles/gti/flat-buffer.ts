/**
 * FlatBuffers, as much as is written here: tables, and vectors of bytes, numbers and tables.
 * Source: the FlatBuffers documentation, "FlatBuffer Internals".
 */

/** A field of a table: its number, and a number in so many bytes, or what writes a value elsewhere and gives its place. */
export type Field = readonly [id: number, bytes: 1 | 2 | 4 | 8, value: number] | readonly [id: number, value: Writer];

/** Writes a value, and gives the place to which a reference to it leads. */
export type Writer = (buffer: FlatBuffer) => number;

/** Before a buffer is its length; then comes the reference to its root. */
const [PREFIX_BYTES, REFERENCE_BYTES] = [4, 4];
const ALIGNMENT = 8;

/** One buffer that is being written. */
export class FlatBuffer {
  #bytes: Buffer;
  #end = 0;

  /** @param size How long it may become at first; it grows. */
  constructor(size: number) {
    this.#bytes = Buffer.alloc(size);
  }

  /** A buffer, with its length before it. The bytes are those of the next one too. */
  encode(root: Writer): Uint8Array {
    this.#bytes.fill(0, 0, this.#end);
    this.#end = 0;
    this.#room(PREFIX_BYTES + REFERENCE_BYTES, 1);
    this.#refer(PREFIX_BYTES, root);
    this.#room(0, ALIGNMENT);
    this.#bytes.writeUInt32LE(this.#end - PREFIX_BYTES);
    return this.#bytes.subarray(0, this.#end);
  }

  /** A table. Before it stands where its fields are (vtable), and at its start how far before. */
  table(...fields: readonly Field[]): number {
    const size = (field: Field): number => (field.length === 3 ? field[1] : REFERENCE_BYTES);
    const largestFirst = [...fields].sort((a, b) => size(b) - size(a));
    const directoryBytes = 4 + 2 * (1 + Math.max(...fields.map(([id]) => id)));
    const tableBytes = REFERENCE_BYTES + fields.reduce((sum, field) => sum + size(field), 0);
    // The fields begin 4 bytes after the table, so that is where they are aligned.
    const start = this.#room(directoryBytes + tableBytes, ALIGNMENT, directoryBytes + REFERENCE_BYTES);
    const table = start + directoryBytes;
    this.#bytes.writeUInt16LE(directoryBytes, start);
    this.#bytes.writeUInt16LE(tableBytes, start + 2);
    this.#bytes.writeInt32LE(directoryBytes, table);
    let at = table + REFERENCE_BYTES;
    for (const field of largestFirst) {
      this.#bytes.writeUInt16LE(at - table, start + 4 + 2 * field[0]);
      if (field.length === 2) this.#refer(at, field[1]);
      else if (field[1] === 8) this.#bytes.writeBigUInt64LE(BigInt(field[2]), at);
      else this.#bytes.writeUIntLE(field[2], at, field[1]);
      at += size(field);
    }
    return table;
  }

  /** A text; the zero after it is not counted. */
  text(text: string): number {
    const bytes = Buffer.from(text, "utf8");
    const at = this.bytes(bytes);
    this.#room(1, 1);
    return at;
  }

  /** A vector of bytes. */
  bytes(bytes: Uint8Array): number {
    const at = this.#room(REFERENCE_BYTES + bytes.length, REFERENCE_BYTES);
    this.#bytes.writeUInt32LE(bytes.length, at);
    this.#bytes.set(bytes, at + REFERENCE_BYTES);
    return at;
  }

  /** A vector of numbers of 64 bits. */
  doubles(numbers: readonly number[]): number {
    const at = this.#room(REFERENCE_BYTES + 8 * numbers.length, ALIGNMENT, REFERENCE_BYTES);
    this.#bytes.writeUInt32LE(numbers.length, at);
    numbers.forEach((number, i) => {
      this.#bytes.writeDoubleLE(number, at + REFERENCE_BYTES + 8 * i);
    });
    return at;
  }

  /** A vector of tables. */
  tables(...tables: readonly Writer[]): number {
    const at = this.#room(REFERENCE_BYTES * (1 + tables.length), REFERENCE_BYTES);
    this.#bytes.writeUInt32LE(tables.length, at);
    tables.forEach((table, i) => {
      this.#refer(at + REFERENCE_BYTES * (1 + i), table);
    });
    return at;
  }

  /** Writes a value, and at `at` how far it is from there. */
  #refer(at: number, value: Writer): void {
    const place = value(this);
    this.#bytes.writeUInt32LE(place - at, at);
  }

  /** Takes room at the end, where what is `skipped` bytes after its start is aligned. */
  #room(size: number, alignment: number, skipped = 0): number {
    const start = Math.ceil((this.#end + skipped) / alignment) * alignment - skipped;
    this.#end = start + size;
    if (this.#end > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * this.#end);
    return start;
  }
}
