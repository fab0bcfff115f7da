/** The tags of a TIFF: of the image that is read, and what else the file has. */
import { HoldfastError } from "../../errors.ts";
import type { InputFile } from "./input-file.ts";
import { loadGeotiff } from "./library.ts";

/** The tags of the first image. */
export class Tags {
  readonly isLittleEndian: boolean;
  /** All of them. */
  readonly ids: readonly number[];
  /** In words, what the file has beside the image. */
  readonly others: readonly string[];
  readonly #values: ReadonlyMap<number, unknown>;

  private constructor(values: ReadonlyMap<number, unknown>, isLittleEndian: boolean, others: readonly string[]) {
    this.#values = values;
    this.isLittleEndian = isLittleEndian;
    this.ids = [...values.keys()];
    this.others = others;
  }

  /** @throws {HoldfastError} UNSUPPORTED: geotiff is not installed, or the file is no TIFF; SOURCE_FAILED: it is damaged. */
  static async of(file: InputFile): Promise<Tags> {
    const { GeoTIFF } = await loadGeotiff();
    const magic = Buffer.from(await file.bytes(0, Math.min(4, file.sizeBytes))).toString("latin1");
    if (!["II*\0", "II+\0", "MM\0*", "MM\0+"].includes(magic)) throw file.unsupported("the input is not a TIFF");
    try {
      const tiff = await GeoTIFF.fromSource(file as never);
      // All values at once: those that it loads later it takes for little-endian (geotiff 3.0.5, DeferredArray).
      tiff.parser.eager = true;
      const { fileDirectory } = await tiff.getImage();
      const others: number[] = [];
      const seen = new Set([tiff.firstIFDOffset]);
      let { nextIFDByteOffset: next } = fileDirectory;
      while (next !== 0) {
        if (seen.has(next)) throw file.damage("its images refer to each other in a circle");
        const { fileDirectory: other } = await tiff.getImage(seen.size);
        seen.add(next);
        next = other.nextIFDByteOffset;
        others.push(Number(other.actualizedFields.get(254) ?? 0));
      }
      return new Tags(fileDirectory.actualizedFields as Map<number, unknown>, tiff.littleEndian, inWords(others));
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      throw file.damage("its tags can't be read", error);
    }
  }

  /** The numbers of a tag; none if it is not there. */
  numbers(id: number): readonly number[] {
    const value = this.#values.get(id);
    if (typeof value === "number") return [value];
    if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value as ArrayLike<number>, Number);
    return [];
  }

  /** The first number of a tag. */
  number(id: number): number | undefined {
    return this.numbers(id)[0];
  }

  /** A text, without the NULs that end it. */
  text(id: number): string | undefined {
    const value = this.#values.get(id);
    return typeof value === "string" ? value.replace(/\0+$/, "") : undefined;
  }
}

/** Tag NewSubfileType (TIFF 6.0, page 36): bit 0, of reduced size; bit 2, a mask. */
function inWords(types: readonly number[]): string[] {
  const masks = types.filter((type) => type & 4).length;
  const overviews = types.filter((type) => (type & 5) === 1).length;
  const images = types.length - masks - overviews;
  return [
    ...(masks > 0 ? ["its mask of valid pixels"] : []),
    ...(overviews > 0 ? ["its overviews"] : []),
    ...(images > 0 ? [`the other images in the file (${images})`] : []),
  ];
}
