/** The objects of a disk at one moment: what the system sees, or what is left after a crash. */
import { HoldfastError } from "../errors.ts";
import { digest, digestBytes } from "./digest.ts";
import { type Attributes, type Birth, BLOCK_BYTES, type MicroOp } from "./micro-op.ts";

/** A name in a directory, as it was spelled. */
export interface Entry {
  readonly name: string;
  readonly child: number;
}

/** A file, a directory or a symbolic link. */
export interface Inode {
  readonly number: number;
  readonly kind: Birth["kind"];
  readonly text: string;
  attributes: Attributes;
  sizeBytes: number;
  links: number;
  modifiedMs: number;
  /** Missing blocks are zeros, and so is what a block lacks at its end. The arrays never change. */
  blocks: ReadonlyMap<number, Uint8Array>;
  entries: ReadonlyMap<string, Entry>;
  /** Of the one volume that may change it; another, which is a draft, copies it first. */
  owner: object;
  /** Whether `blocks` and `entries` belong to a copy too: they are copied before they change. */
  shared: boolean;
  /** What tells it from others, as far as it was asked for since its last change. */
  key: string | undefined;
}

/** The number of the root directory. */
export const ROOT = 1;

/** All objects, reachable or not. Changed by {@link Volume.apply} only. */
export class Volume {
  #inodes = new Map<number, Inode>();
  /** What this volume alone has is marked with it. */
  #owner = {};

  /** The object with this number. */
  inode(number: number): Inode {
    const inode = this.#inodes.get(number);
    if (!inode) throw new HoldfastError("ASSERTION", { what: `the simulated disk has no inode ${number}` });
    return inode;
  }

  /** Whether there is, or was, an object with this number. */
  has(number: number): boolean {
    return this.#inodes.has(number);
  }

  /** A copy that changes on its own. Each of its objects stays the same one when it changes: open files refer to them. */
  clone(): Volume {
    const copy = new Volume();
    for (const [number, inode] of this.#inodes) {
      inode.shared = true;
      copy.#inodes.set(number, { ...inode, owner: copy.#owner });
    }
    return copy;
  }

  /**
   * The same for a volume that nobody works on, to see what a few changes make of it: only what they change is copied, when they do, and
   * is another object then.
   */
  draft(): Volume {
    const copy = new Volume();
    copy.#inodes = new Map(this.#inodes);
    this.#owner = {};
    return copy;
  }

  /** The object, to be changed. */
  #own(number: number): Inode {
    const inode = this.inode(number);
    if (inode.owner === this.#owner) return inode;
    const own = { ...inode, owner: this.#owner, shared: true };
    this.#inodes.set(number, own);
    return own;
  }

  /** Makes one change. */
  apply(op: MicroOp): void {
    if (op.kind === "birth") {
      const { kind, text, ...attributes } = op.birth;
      const rest = { sizeBytes: text.length, links: 0, modifiedMs: op.atMs, blocks: new Map(), entries: new Map() };
      const own = { owner: this.#owner, shared: false, key: undefined };
      this.#inodes.set(op.inode, { number: op.inode, kind, text, attributes, ...rest, ...own });
      return;
    }
    const inode = this.#own(op.inode);
    inode.key = undefined;
    switch (op.kind) {
      case "entry": {
        const before = inode.entries.get(op.key);
        if (before) this.#own(before.child).links--;
        if (op.child === undefined) changeable(inode).entries.delete(op.key);
        else {
          changeable(inode).entries.set(op.key, { name: op.name, child: op.child });
          this.#own(op.child).links++;
        }
        break;
      }
      case "size":
        inode.sizeBytes = op.sizeBytes;
        break;
      case "block":
        changeable(inode).blocks.set(op.index, op.bytes);
        break;
      case "attributes":
        inode.attributes = op.attributes;
        return;
      case "time":
        inode.modifiedMs = op.modifiedMs;
        return;
    }
    inode.modifiedMs = op.atMs;
  }

  /** Cuts off what lies beyond the end of each file, as mounting after a crash does: it must not come back later. */
  trim(): void {
    for (const { number, sizeBytes, blocks } of this.#inodes.values()) {
      for (const [index, bytes] of blocks) {
        const keep = sizeBytes - index * BLOCK_BYTES;
        if (keep >= bytes.length) continue;
        const own = changeable(this.#own(number));
        own.key = undefined;
        if (keep <= 0) own.blocks.delete(index);
        else own.blocks.set(index, bytes.slice(0, keep));
      }
    }
  }

  /** Every reachable object with its path, parents first, names in order. */
  *walk(
    from: Inode = this.inode(ROOT),
    path = "",
    above: readonly Inode[] = [],
  ): Generator<{ readonly path: string; readonly inode: Inode }> {
    yield { path: path === "" ? "/" : path, inode: from };
    if (from.entries.size === 0) return;
    for (const { name, child } of sorted(from)) {
      const inode = this.inode(child);
      // A crash between the two halves of a directory's rename can leave it inside itself.
      if (above.includes(inode)) continue;
      yield* this.walk(inode, `${path}/${name}`, [...above, from]);
    }
  }

  /** Equal for two volumes exactly if nobody can tell them apart by names, content and attributes. */
  fingerprint(): string {
    return digest(this.#described(this.inode(ROOT), []));
  }

  /** An object and all below it, each with its name before it; a zero ends a directory. */
  #described(from: Inode, above: readonly Inode[]): string {
    let text = keyOf(from);
    if (from.entries.size === 0) return text;
    const inside = [...above, from];
    for (const { name, child } of sorted(from)) {
      const inode = this.inode(child);
      if (!inside.includes(inode)) text += `/${name}\0${this.#described(inode, inside)}`;
    }
    return `${text}\0`;
  }
}

/** Entries by name. */
function sorted({ entries }: Inode): readonly Entry[] {
  const all = [...entries.values()];
  return all.length < 2 ? all : all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What tells an object from others, but for its names. */
function keyOf(inode: Inode): string {
  inode.key ??= digest(describe(inode));
  return inode.key;
}

function describe({ kind, attributes: { mode, userId, groupId }, sizeBytes, modifiedMs, text, blocks }: Inode): string {
  const content = [...blocks].sort(([a], [b]) => a - b).map(([index, bytes]) => `${index}=${digestBytes(bytes)}`);
  return `${kind}\0${mode}.${userId}.${groupId}\0${sizeBytes}\0${modifiedMs}\0${text}\0${content.join()}`;
}

interface Changeable extends Inode {
  blocks: Map<number, Uint8Array>;
  entries: Map<string, Entry>;
}

/** The object, with blocks and entries that are its own. */
function changeable(inode: Inode): Changeable {
  if (inode.shared) {
    inode.blocks = new Map(inode.blocks);
    inode.entries = new Map(inode.entries);
    inode.shared = false;
  }
  return inode as Changeable;
}

/** Bytes of a file from `position`, at most `count`. */
export function readBytes({ blocks, sizeBytes }: Inode, position: number, count: number): Uint8Array {
  const end = Math.min(position + count, sizeBytes);
  const out = new Uint8Array(Math.max(0, end - position));
  for (let at = position; at < end; ) {
    const index = Math.floor(at / BLOCK_BYTES);
    const blockEnd = Math.min((index + 1) * BLOCK_BYTES, end);
    const block = blocks.get(index);
    if (block) out.set(block.subarray(at - index * BLOCK_BYTES, blockEnd - index * BLOCK_BYTES), at - position);
    at = blockEnd;
  }
  return out;
}
