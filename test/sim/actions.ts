/** Random requests on a few files in /d and /e. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { IoSync } from "../../dist/io/io.js";

export const NAMES = ["/d/a", "/d/b", "/e/a", "/e/b"];

export type Action =
  | { readonly do: "link"; readonly from: string; readonly to: string }
  | { readonly do: "rename"; readonly from: string; readonly to: string }
  | { readonly do: "sync"; readonly name: string }
  | { readonly do: "unlink"; readonly name: string }
  | { readonly do: "syncDir"; readonly dir: string }
  | {
      readonly do: "write";
      readonly name: string;
      readonly length: number;
      readonly position: number;
      readonly letter: string;
    };

const name = fc.constantFrom(...NAMES);
export const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    name,
    length: fc.integer({ min: 1, max: 9000 }),
    position: fc.integer({ min: 0, max: 9000 }),
    letter: fc.constantFrom("x", "y", "z"),
  }),
  fc.record({ do: fc.constantFrom("link" as const, "rename" as const), from: name, to: name }),
  fc.record({ do: fc.constantFrom("sync" as const, "unlink" as const), name }),
  fc.record({ do: fc.constant("syncDir" as const), dir: fc.constantFrom("/d", "/e") }),
);

export function perform(io: IoSync, step: Action): void {
  const onFile = (path: string, use: (file: ReturnType<IoSync["open"]>) => void): void => {
    const file = io.open(path, io.lstat(path) ? "edit" : "create");
    use(file);
    io.close(file);
  };
  try {
    if (step.do === "write")
      onFile(step.name, (file) => io.write(file, new TextEncoder().encode(step.letter.repeat(step.length)), step.position));
    else if (step.do === "sync") onFile(step.name, (file) => io.syncFile(file));
    else if (step.do === "unlink") io.unlink(step.name);
    else if (step.do === "syncDir") io.syncDir(step.dir);
    else io[step.do](step.from, step.to);
  } catch (error) {
    assert.ok(["EEXIST", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? ""), String(error));
  }
}
