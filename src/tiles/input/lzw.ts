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
  // Each code stands for what another stands for, and one byte more.
  const [prefix, suffix, length] = [
    new Uint16Array(1 << BITS_MAX),
    new Uint8Array(1 << BITS_MAX),
    new Uint16Array(1 << BITS_MAX),
  ];
  length.fill(1, 0, CLEAR);
  let [size, free, old] = [BITS_MIN, FIRST_FREE, -1];
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
      [size, free, old] = [BITS_MIN, FIRST_FREE, -1];
      continue;
    }
    const isNew = code === free && old >= 0; // what the last stands for, and its own first byte
    if (code > free || (code === free && !isNew) || (old < 0 && code >= CLEAR)) throw new RangeError(`no code ${code}`);
    const known = isNew ? old : code;
    let to = done + (length[known] as number);
    const end = isNew ? to + 1 : to;
    let each = known;
    for (; each >= FIRST_FREE; each = prefix[each] as number) out[--to] = suffix[each] as number;
    out[--to] = each;
    if (isNew) out[end - 1] = each;
    if (old >= 0 && free < 1 << BITS_MAX) {
      prefix[free] = old;
      suffix[free] = each;
      length[free] = (length[old] as number) + 1;
      free++;
      if (free === (1 << size) - 1 && size < BITS_MAX) size++;
    }
    old = code;
    done = end;
  }
  return out.subarray(0, Math.min(done, sizeBytes));
}
