/** Memory that is used again: to ask the system for new memory costs more than to fill it. */
export class Memory {
  readonly #free: Uint8Array[] = [];
  readonly #lent = new Set<ArrayBufferLike>();

  /** Memory of so many bytes, which may have anything in it. */
  take(sizeBytes: number): Uint8Array {
    const fitting = this.#free.findIndex(({ length }) => length >= sizeBytes);
    // Where none is large enough one goes, so that there are never more than were needed at once.
    const [found] = this.#free.splice(fitting, 1);
    const bytes = fitting < 0 || !found ? new Uint8Array(sizeBytes) : found.subarray(0, sizeBytes);
    this.#lent.add(bytes.buffer);
    return bytes;
  }

  /** Gives back what nobody uses any more. What was not taken from here stays whose it is. */
  give(bytes: Uint8Array): void {
    if (this.#lent.delete(bytes.buffer)) this.#free.push(new Uint8Array(bytes.buffer));
  }
}
