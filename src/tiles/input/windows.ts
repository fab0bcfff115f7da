/** Windows of a TIFF, put together from its pieces. Each piece is read once if the windows come row by row. */
import type { PixelWindow, RasterData } from "../geotiff/index.ts";
import { TYPES } from "../geotiff/types.ts";
import type { InputFile } from "./input-file.ts";
import type { Layout } from "./layout.ts";
import { type Piece, piecesIn, readPiece } from "./pieces.ts";

interface Held {
  readonly piece: Piece;
  readonly bytes: Promise<Uint8Array | undefined>;
  users: number;
}

/** Gives windows. */
export class Windows {
  readonly #layout: Layout;
  readonly #file: InputFile;
  /** What pixels have that the file has no block for. */
  readonly #empty: bigint | number;
  readonly #held = new Map<string, Held>();
  readonly #underWay = new Map<Promise<unknown>, PixelWindow>();
  #turn: Promise<void> = Promise.resolve();

  constructor(layout: Layout, file: InputFile, empty: bigint | number) {
    this.#layout = layout;
    this.#file = file;
    this.#empty = empty;
  }

  /** The values of a window. */
  async read(window: PixelWindow): Promise<RasterData> {
    // In the order of the calls, and only after all windows above have ended: else pieces of two rows of windows are in memory.
    const turn = this.#turn.then(() => this.#ended(window.y));
    this.#turn = turn;
    await turn;
    const reading = this.#read(window);
    this.#underWay.set(reading, window);
    try {
      return await reading;
    } finally {
      this.#underWay.delete(reading);
    }
  }

  /** Resolves once nothing is read any more, as after an abort. */
  async settled(): Promise<void> {
    await this.#turn;
    await Promise.allSettled(this.#underWay.keys());
  }

  async #ended(y: number): Promise<void> {
    const above = [...this.#underWay].filter(([, window]) => window.y + window.height <= y);
    await Promise.allSettled(above.map(([reading]) => reading));
  }

  async #read(window: PixelWindow): Promise<RasterData> {
    const held = [...piecesIn(this.#layout, window)].map((piece) => this.#take(piece));
    this.#drop(window); // what windows that were never asked for have left
    try {
      await Promise.allSettled(held.map(({ bytes }) => bytes)); // also if one fails: nothing is read from a file that was closed
      const found = await Promise.all(held.map(async (one) => ({ piece: one.piece, bytes: await one.bytes })));
      await this.#file.expectUnchanged();
      return this.#join(window, found);
    } finally {
      for (const one of held) one.users--;
      this.#drop(window);
    }
  }

  #take(piece: Piece): Held {
    let held = this.#held.get(piece.key);
    if (!held) {
      held = { piece, bytes: readPiece(this.#layout, this.#file, piece), users: 0 };
      held.bytes.catch(() => {}); // looked at by who uses it
      this.#held.set(piece.key, held);
    }
    held.users++;
    return held;
  }

  /** Lets go of all pieces that have nothing to the right of a window or below it. */
  #drop({ x, y, width, height }: PixelWindow): void {
    for (const [key, { piece, users }] of this.#held) {
      const bottom = piece.y + piece.height;
      const isPassed = bottom <= y || (bottom <= this.#end(y + height) && this.#right(piece) <= x + width);
      if (users === 0 && isPassed) this.#held.delete(key);
    }
  }

  /** A block reaches beyond the image, where there is nothing to be read. */
  #end(bottom: number): number {
    return bottom >= this.#layout.height ? Number.POSITIVE_INFINITY : bottom;
  }

  #right(piece: Piece): number {
    return Math.min(piece.x + piece.width, this.#layout.width);
  }

  #join(window: PixelWindow, found: readonly { readonly piece: Piece; readonly bytes: Uint8Array | undefined }[]): RasterData {
    const { bands, blockBands, dtype } = this.#layout;
    const type = TYPES[dtype];
    const bytes = new Uint8Array(window.width * window.height * bands * type.bytes);
    const values = type.view(bytes);
    const words = WORDS[type.bytes].view; // bits, as a NaN may come out of a variable as another one
    if (found.some((one) => !one.bytes)) values.fill(this.#empty as never);
    for (const { piece, bytes: from } of found) {
      if (!from) continue;
      const overlap = overlapOf(piece, window);
      if (blockBands === bands) copyRows(from, bytes, { piece, window, overlap, pixelBytes: bands * type.bytes });
      else copyBand(words(from), words(bytes), { piece, window, overlap, bands });
    }
    return values;
  }
}

const WORDS = { 1: TYPES.uint8, 2: TYPES.uint16, 4: TYPES.uint32, 8: TYPES.uint64 } as const;

interface Copy {
  readonly piece: Piece;
  readonly window: PixelWindow;
  readonly overlap: PixelWindow;
}

function overlapOf(a: PixelWindow, b: PixelWindow): PixelWindow {
  const [x, y] = [Math.max(a.x, b.x), Math.max(a.y, b.y)];
  return { x, y, width: Math.min(a.x + a.width, b.x + b.width) - x, height: Math.min(a.y + a.height, b.y + b.height) - y };
}

function copyRows(
  from: Uint8Array,
  into: Uint8Array,
  { piece, window, overlap, pixelBytes }: Copy & { pixelBytes: number },
): void {
  const rowBytes = overlap.width * pixelBytes;
  for (let y = overlap.y; y < overlap.y + overlap.height; y++) {
    const start = ((y - piece.y) * piece.width + overlap.x - piece.x) * pixelBytes;
    into.set(from.subarray(start, start + rowBytes), ((y - window.y) * window.width + overlap.x - window.x) * pixelBytes);
  }
}

/** The values of one band to their places between those of the others. */
function copyBand(from: RasterData, into: RasterData, { piece, window, overlap, bands }: Copy & { bands: number }): void {
  for (let y = overlap.y; y < overlap.y + overlap.height; y++) {
    let start = (y - piece.y) * piece.width + overlap.x - piece.x;
    let to = ((y - window.y) * window.width + overlap.x - window.x) * bands + piece.band;
    for (let x = 0; x < overlap.width; x++, start++, to += bands) into[to] = from[start] as never;
  }
}
