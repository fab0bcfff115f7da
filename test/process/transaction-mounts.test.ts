/** Transactions on disks that are full, and below roots with other mounts in them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inChild, withMounts } from "../support/child.ts";
import { needsMounts } from "../support/needs.ts";
import { tempDir } from "../support/temp-dir.ts";

test("a full disk, while staging and when the record is published: NO_SPACE, unchanged, and it goes on when there is space", {
  skip: needsMounts,
}, async (t) => {
  const root = tempDir(t);
  const wrap = withMounts('mount -t tmpfs -o size=512k none "$1"', root);
  const found = await inChild(
    async ({ txs, fs, path, settle }, root) => {
      fs.writeFileSync(path.join(root, "file"), "old");
      const names = (): string[] =>
        fs
          .readdirSync(root)
          .filter((name) => !/claims$|journal.lock$/.test(name))
          .sort();
      const outcomes: unknown[] = [];
      const tell = (failed: { code?: string; outcome?: string } | undefined): void => {
        outcomes.push(
          failed ? `${failed.code} ${failed.outcome}` : "done",
          fs.readFileSync(path.join(root, "file"), "utf8").slice(0, 3),
          names(),
        );
      };
      const write = (size: number) => () =>
        txs.transaction(root, async (tx) => {
          tx.write("file", "new".padEnd(10));
          await tx.write("d/large", Buffer.alloc(size));
        });
      tell((await settle(write(600_000))).failed);
      // All that is free is taken when everything but the record is staged.
      const taken = await settle(() =>
        txs.transaction(root, async (tx) => {
          await tx.write("file", "new");
          await tx.write("d/large", Buffer.alloc(1000));
          for (let full = false; !full; ) {
            const fill = (): void => fs.writeFileSync(path.join(root, "ballast"), Buffer.alloc(4096), { flag: "a" });
            full = (await settle(fill)).failed !== undefined;
          }
        }),
      );
      tell(taken.failed);
      fs.rmSync(path.join(root, "ballast"), { force: true });
      tell((await settle(write(1000))).failed);
      return outcomes;
    },
    root,
    { wrap },
  );
  const [staging, , , publishing, , , later, text, names] = found;
  assert.deepEqual([staging, later, text, names], ["NO_SPACE unchanged", "done", "new", ["d", "file"]], JSON.stringify(found));
  assert.equal(publishing, "NO_SPACE unchanged", JSON.stringify(found));
  assert.deepEqual([found[1], found[2]], ["old", ["file"]]);
  assert.equal(found[4], "old");
});

test("another mount below the root, also of the same file system, or read-only: refused before anything is changed", {
  skip: needsMounts,
}, async (t) => {
  const root = tempDir(t);
  const script = `mount -t tmpfs none "$1"; cd "$1"; mkdir bound other ro real; echo -n old > file
    mount --bind real bound; mount -t tmpfs none other; mount --bind real ro; mount -o remount,bind,ro ro`;
  const found = await inChild(
    async ({ txs, fs, path, settle }, root) => {
      const outcomes: Record<string, string> = {};
      for (const name of ["bound/x", "other/x", "ro/x"]) {
        const { failed } = await settle(() =>
          txs.transaction(root, (tx) => {
            tx.write("file", "new");
            tx.write(name, "x");
          }),
        );
        outcomes[name] = `${failed?.code} ${failed?.outcome} ${fs.readFileSync(path.join(root, "file"), "utf8")}`;
      }
      return [
        outcomes,
        fs
          .readdirSync(root)
          .filter((name) => !/claims$|journal.lock$/.test(name))
          .sort(),
      ];
    },
    root,
    { wrap: withMounts(script, root) },
  );
  assert.deepEqual(found, [
    { "bound/x": "UNSUPPORTED unchanged old", "other/x": "UNSUPPORTED unchanged old", "ro/x": "UNSUPPORTED unchanged old" },
    ["bound", "file", "other", "real", "ro"],
  ]);
});
