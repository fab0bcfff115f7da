/** Programs on the seam for its tests: one that replaces a file, one that publishes several, and the disk to run them on. */
import { SimDisk } from "holdfast/sim";
import { type Replaced, replaceFile } from "../../dist/core/replace.js";
import { writeSource } from "../../dist/core/write.js";
import type { Source } from "../../dist/io/data.js";
import type { Io, Machine } from "../../dist/io/io.js";
import { all, close, ensure, onFailure, open, type Program, syncDir, syncFile, unlink } from "../../dist/io/program.js";
import { type Around, wrapIo } from "./machines.ts";
import type { Seeded } from "./seeded.ts";

export const OLD = "OLDDATA!";
export const NEW = "NEWDATA!";
export const PATH = "/d/a";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A simulated disk with one old file. */
export function oldDisk(): SimDisk {
  const disk = new SimDisk();
  disk.writeFile(PATH, OLD);
  return disk;
}

/** The names below /d that a program has made and not removed. */
export function made(disk: SimDisk): string[] {
  return Object.keys(disk.tree()).filter((path) => path !== "/d/" && path !== PATH && path !== RECORD);
}

/** The real replace program, on the old file. */
export function replace(source: Source = bytes(NEW), path: string = PATH): Program<Replaced> {
  return replaceFile({ dir: "/d", path }, source, {
    attributes: { mode: undefined, existing: undefined },
    syncFile: true,
    barrier: true,
    ifAbsent: false,
    heldBudgetMs: 1000,
    overtake: () => [],
  });
}

export const RECORD = "/d/record";

/** Members side by side under their final names, then the record that lists them: a unit of several files. */
export function* publishSet(members: ReadonlyMap<string, Source>, limit = 4): Program<void> {
  const there = new Set<string>();
  const member = function* (name: string, source: Source): Program<void> {
    const file = yield* open(name, "create");
    const fill = function* (): Program<void> {
      yield* writeSource(file, source, 0);
      yield* syncFile(file);
    };
    yield* onFailure(
      ensure(fill(), () => close(file)),
      () => unlink(name),
    );
    there.add(name);
  };
  const body = function* (): Program<void> {
    yield* all(
      [...members].map(([name, source]) => member(`/d/${name}`, source)),
      limit,
    );
    yield* syncDir("/d");
    yield* replace(bytes([...there].sort().join()), RECORD);
  };
  yield* onFailure(body(), () => all([...there].map((name) => unlink(name))));
}

/** A source that never gives anything. */
export const stalledSource: Source = { next: { async: () => new Promise(() => {}) }, leave: () => {} };

/** A new process of `disk` with `around` put around its requests. */
export function processOf(disk: SimDisk, around: Around = (_call, proceed) => proceed()): Machine {
  const { io, sync } = disk.process();
  return { io: wrapIo(io, around), sync: wrapIo(sync, around) };
}

/** Answers each request after a few turns of the event loop, so that branches interleave in many ways. */
export function scheduled(io: Io, random: Seeded): Io {
  return wrapIo(io, async (_call, proceed) => {
    for (let turns = random.int(4); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    return await proceed();
  });
}
