/** LZW as TIFF has it (TIFF 6.0, section 13): codes of 9 to 12 bits, the first bit first, which grow one code early. */
const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
const BITS_MIN = 9;
const BITS_MAX = 12;

/**
 * What the bytes stand for, up to so many bytes. Less if they end before.
 *
 * @throws {RangeError} A code that stands for nothing.
 */
export function fromLzw(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  const out = new Uint8Array(sizeBytes);
  // A code stands for what the one before it stood for when it was made, and one byte more: all of it is in the output already.
  const [start, length] = [new Uint32Array(1 << BITS_MAX), new Uint16Array(1 << BITS_MAX)];
  let [size, free, oldAt, oldLength] = [BITS_MIN, FIRST_FREE, 0, 0];
  let [held, heldBits, at, done] = [0, 0, 0, 0];
  while (done < sizeBytes) {
    while (heldBits < size) {
      if (at === bytes.length) return out.subarray(0, done);
      held = (held << 8) | (bytes[at++] as number);
      heldBits += 8;
    }
    heldBits -= size;
    const code = held >> heldBits;
    held &= (1 << heldBits) - 1;
    if (code === END) break;
    if (code === CLEAR) {
      [size, free, oldLength] = [BITS_MIN, FIRST_FREE, 0];
      continue;
    }
    if (oldLength > 0 && free < 1 << BITS_MAX) {
      start[free] = oldAt;
      length[free] = oldLength + 1;
      free++;
      if (free === (1 << size) - 1 && size < BITS_MAX) size++;
    }
    if (code >= free) throw new RangeError(`no code ${code}`);
    oldAt = done;
    oldLength = code < CLEAR ? 1 : (length[code] as number);
    if (code < CLEAR) out[done] = code;
    else for (let from = start[code] as number, to = done; to < done + oldLength; ) out[to++] = out[from++] as number; // may overlap
    done += oldLength;
  }
  return out.subarray(0, Math.min(done, sizeBytes));
}
