/** Transactions on the real disk. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { describe, it } from "node:test";
import { isHoldfastError } from "holdfast";
import { recover, type Transaction, TransactionSync, transaction, transactionSync } from "holdfast/tx";
import { needsPosix } from "../support/needs.ts";
import { allClosed, leftovers, openBelow, tempDir } from "../support/temp-dir.ts";

const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return "none";
  } catch (error) {
    return isHoldfastError(error) ? `${error.code} ${error.outcome}` : String(error);
  }
};

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** All files with their text, and empty directories. */
function treeOf(dir: string): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const entry of fs.readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const at = path.join(entry.parentPath, entry.name);
    const name = path.relative(dir, at).split(path.sep).join("/");
    if (name.startsWith(".holdfast-")) continue;
    if (entry.isFile()) tree[name] = fs.readFileSync(at, "utf8");
    else if (entry.isDirectory() && fs.readdirSync(at).length === 0) tree[`${name}/`] = "";
  }
  return tree;
}

function filled(dir: string, files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), text);
  }
  return dir;
}

/** What stays in a root: the place of the claims, and a lock. */
const STAYS = [".holdfast-claims", ".holdfast-journal.lock"];

describe("a transaction", () => {
  it("makes all changes, and tells what it has reached", async (t) => {
    const root = filled(tempDir(t), { "a/one": "old", "a/log": "1", "b/gone": "x" });
    const { value, ...result } = await transaction(root, async (tx) => {
      tx.write("a/one", "new");
      tx.rename("a/log", "b/log.1");
      tx.write("a/log", "2");
      tx.remove("b/gone");
      const site = await tx.writeDirectory("site");
      site.writeFile("sub/page", "page");
      return 42;
    });
    assert.equal(value, 42);
    assert.deepEqual(
      { ...result, notKept: [...result.notKept] },
      { changed: true, durability: result.durability, superseded: [], kept: [], notKept: [] },
    );
    assert.deepEqual(treeOf(root), { "a/log": "2", "a/one": "new", "b/log.1": "1", "site/sub/page": "page" });
    assert.deepEqual(leftovers(root), STAYS);
    assert.deepEqual(fs.readdirSync(path.join(root, ".holdfast-claims")), ["claims.lock"]);
    await allClosed(root);
  });

  it("sees its own changes, and nobody else does", async (t) => {
    const root = filled(tempDir(t), { a: "A", "d/b": "B" });
    await transaction(root, async (tx) => {
      tx.write("a", "A2");
      tx.rename("d", "e");
      tx.remove("e/b");
      tx.write("e/c", "C");
      assert.equal(await tx.read("a", "utf8"), "A2");
      assert.equal(await tx.read("d/b"), undefined);
      assert.equal(await tx.read("e/b"), undefined);
      assert.equal(await tx.read("e/c", "utf8"), "C");
      assert.deepEqual(await tx.read("e/c"), new Uint8Array([67]));
      assert.deepEqual(treeOf(root), { a: "A", "d/b": "B" });
    });
    assert.deepEqual(treeOf(root), { a: "A2", "e/c": "C" });
  });

  it("changes nothing if the function throws, or an operation fails that nobody has awaited", async (t) => {
    const root = filled(tempDir(t), { a: "A" });
    const stop = new RangeError("no");
    await assert.rejects(
      transaction(root, (tx) => {
        tx.write("a", "B");
        throw stop;
      }),
      stop,
    );
    const failing: Record<string, (tx: Transaction) => unknown> = {
      "NOT_FOUND unchanged": (tx) => tx.remove("none").catch(() => {}),
      "EXISTS unchanged": (tx) => void tx.write("a", "B", { ifAbsent: true }),
      "CHANGED unchanged": (tx) => void tx.write("a", "B", { ifDigest: sha256("B") }),
      "NOT_A_DIRECTORY unchanged": (tx) => void tx.write("a/b", "B"),
      "WRITER_FAILED unchanged": async (tx) => {
        const directory = await tx.writeDirectory("d");
        void directory.track(Promise.reject(new Error("late")));
      },
    };
    for (const [code, fail] of Object.entries(failing)) {
      const change = async (tx: Transaction): Promise<void> => {
        tx.write("new", "B");
        await fail(tx);
      };
      assert.equal(await codeOf(() => transaction(root, change)), code);
    }
    assert.deepEqual(treeOf(root), { a: "A" });
    assert.deepEqual(leftovers(root), [".holdfast-claims"]);
    assert.deepEqual(fs.readdirSync(path.join(root, ".holdfast-claims")), ["claims.lock"]);
  });

  it("has preconditions, which must hold at the commit too", async (t) => {
    const root = filled(tempDir(t), { a: "A" });
    await transaction(root, (tx) => {
      tx.write("a", "B", { ifDigest: sha256("A").toUpperCase() });
      tx.write("b", "new", { ifAbsent: true });
      tx.write("a", "C", { ifDigest: sha256("B") });
    });
    assert.deepEqual(treeOf(root), { a: "C", b: "new" });
    const meanwhile = (name: string, options: object) => async (tx: Transaction) => {
      await tx.write(name, "mine", options);
      fs.writeFileSync(path.join(root, name), "theirs");
    };
    assert.equal(await codeOf(() => transaction(root, meanwhile("c", { ifAbsent: true }))), "EXISTS unchanged");
    assert.equal(await codeOf(() => transaction(root, meanwhile("b", { ifDigest: sha256("new") }))), "CHANGED unchanged");
    assert.deepEqual(treeOf(root), { a: "C", b: "theirs", c: "theirs" });
  });

  it("replaces, moves and removes directories only if told so", async (t) => {
    const root = filled(tempDir(t), { "d/a": "A", "e/b": "B", f: "F" });
    const refused: readonly ((tx: Transaction) => unknown)[] = [
      (tx) => tx.remove("d"),
      (tx) => tx.writeDirectory("d"),
      (tx) => tx.rename("e", "d"),
      (tx) => tx.rename("f", "d"),
      (tx) => tx.rename("d", "f"),
    ];
    for (const change of refused) assert.equal(await codeOf(() => transaction(root, change)), "EXISTS unchanged");
    assert.match(await codeOf(() => transaction(root, (tx) => tx.rename("d", "d/a"))), /RangeError/);
    await transaction(root, async (tx) => {
      const directory = await tx.writeDirectory("d", { replace: true });
      await directory.writeFile("new", "N");
      tx.remove("e", { recursive: true });
    });
    assert.deepEqual(treeOf(root), { "d/new": "N", f: "F" });
  });

  it("writes a stream, and fails if it is not ended", async (t) => {
    const root = tempDir(t);
    await transaction(root, (tx) =>
      pipeline(async function* () {
        for (let n = 0; n < 100; n++) yield `${n},`;
      }, tx.writeStream("out")),
    );
    assert.match(treeOf(root)["out"] ?? "", /^0,1,.*99,$/);
    const failing = transaction(root, (tx) => {
      const stream = tx.writeStream("other");
      stream.on("error", () => {});
      stream.write("x");
      stream.destroy();
    });
    assert.equal(await codeOf(() => failing), "SOURCE_FAILED unchanged");
    assert.deepEqual(Object.keys(treeOf(root)), ["out"]);
  });

  it("keeps mode and owner, as writeFile does", { skip: needsPosix }, async (t) => {
    const root = filled(tempDir(t), { a: "A", b: "B" });
    fs.chmodSync(path.join(root, "a"), 0o640);
    await transaction(root, (tx) => {
      tx.write("a", "new");
      tx.write("b", "new", { mode: 0o4755 });
      tx.write("c", "new", { mode: 0o600 });
    });
    const modes = ["a", "b", "c"].map((name) => fs.statSync(path.join(root, name)).mode & 0o7777);
    assert.deepEqual(modes, [0o640, 0o4755, 0o600]);
  });

  it("follows symbolic links that stay inside, in what it has made too", { skip: needsPosix }, async (t) => {
    const root = filled(tempDir(t), { "d/a": "A", "e/b": "B" });
    fs.symlinkSync("d", path.join(root, "link"));
    fs.symlinkSync(path.join(root, "e/b"), path.join(root, "d/absolute"));
    fs.symlinkSync("..", path.join(root, "d/up"));
    fs.symlinkSync("/etc/passwd", path.join(root, "out"));
    await transaction(root, async (tx) => {
      tx.write("link/a", "A2");
      tx.write("d/absolute", "B2");
      tx.write("link/up/e/c", "C");
      tx.rename("link", "other");
      assert.equal(await tx.read("other/a", "utf8"), "A2");
    });
    assert.deepEqual(
      Object.fromEntries(["d/a", "e/b", "e/c", "other/a"].map((name) => [name, fs.readFileSync(path.join(root, name), "utf8")])),
      { "d/a": "A2", "e/b": "B2", "e/c": "C", "other/a": "A2" },
    );
    assert.equal(fs.readlinkSync(path.join(root, "other")), "d");
    for (const outside of ["out", "out/x", "d/up/d/up", "d/up/out"])
      assert.equal(await codeOf(() => transaction(root, (tx) => tx.write(outside, "x"))), "SYMLINK unchanged", outside);
  });

  it("refuses what is not a path inside, before anything happens", async (t) => {
    const root = filled(tempDir(t), { a: "A" });
    for (const wrong of ["", ".", "..", "../a", "a/../b", "/etc/passwd", "a//b", "a\0"])
      assert.match(await codeOf(() => transaction(root, (tx) => tx.write(wrong, "x"))), /TypeError/, wrong);
    for (const ours of [".holdfast-claims/x", ".holdfast-dir-x", "d/.holdfast-stage-1"])
      assert.equal(await codeOf(() => transaction(root, (tx) => tx.write(ours, "x"))), "INVALID_NAME unchanged");
    assert.equal(await codeOf(() => transaction(path.join(root, "a"), () => {})), "NOT_A_DIRECTORY unchanged");
    assert.equal(await codeOf(() => transaction(path.join(root, "none"), () => {})), "NOT_FOUND unchanged");
    assert.match(await codeOf(() => transaction(root, undefined as never)), /TypeError/);
    assert.match(await codeOf(() => transaction(root, () => {}, { lockTimeoutMs: -1 })), /RangeError/);
    assert.match(await codeOf(() => transaction(root, (tx) => tx.write("b", "x", { ifDigest: "abc" }))), /RangeError/);
    assert.deepEqual(treeOf(root), { a: "A" });
  });

  it("can be aborted until it commits, and is closed after it", async (t) => {
    const root = filled(tempDir(t), { a: "A" });
    const abort = new AbortController();
    const aborted = transaction(
      root,
      async (tx) => {
        await tx.write("a", "B");
        abort.abort();
      },
      { signal: abort.signal },
    );
    assert.equal(await codeOf(() => aborted), "ABORTED unchanged");
    let later: Transaction | undefined;
    await transaction(root, (tx) => {
      later = tx;
    });
    assert.equal(await codeOf(() => later?.write("a", "C")), "CLOSED unchanged");
    assert.deepEqual(treeOf(root), { a: "A" });
    await allClosed(root);
    assert.deepEqual(openBelow(root), []);
  });

  it("that changes nothing, or puts everything back, leaves everything as it is", async (t) => {
    const root = filled(tempDir(t), { a: "A", "d/b": "B" });
    const inodes = (): number[] => ["a", "d/b"].map((name) => fs.statSync(path.join(root, name)).ino);
    const before = inodes();
    const { changed } = await transaction(root, async (tx) => {
      await tx.read("a");
      tx.rename("a", "t");
      tx.rename("t", "a");
      tx.write("n", "N");
      tx.remove("n");
    });
    assert.equal(changed, false);
    assert.deepEqual([inodes(), treeOf(root)], [before, { a: "A", "d/b": "B" }]);
  });

  it("that others are about too waits, and is refused when the time is over", async (t) => {
    const root = filled(tempDir(t), { n: "0" });
    const order: string[] = [];
    const increment = (name: string) =>
      transaction(root, async (tx) => {
        const n = Number(await tx.read("n", "utf8"));
        order.push(name);
        await new Promise((resolve) => setImmediate(resolve));
        await tx.write("n", String(n + 1));
        tx.write(`by/${name}`, "");
      });
    await Promise.all(["a", "b", "c", "d"].map(increment));
    assert.equal(treeOf(root)["n"], "4");
    assert.deepEqual([...order].sort(), ["a", "b", "c", "d"]);
    await transaction(root, async (tx) => {
      await tx.write("d/x", "X");
      const others = ["d/x", "d", "d/x/y"].map((name) =>
        codeOf(() => transaction(root, (other) => void other.read(name), { lockTimeoutMs: 20 })),
      );
      assert.deepEqual(await Promise.all(others), Array(3).fill("LOCKED unchanged"));
      assert.equal(await codeOf(() => transactionSync(root, (other) => other.read("d/x"))), "LOCKED unchanged");
      await transaction(root, (other) => void other.write("d/y", "Y")); // beside it
    });
    assert.deepEqual(await recover(root), { actions: [], liveCount: 0 });
  });
});

describe("a synchronous transaction", () => {
  it("does the same", (t) => {
    const root = filled(tempDir(t), { "a/one": "old", "a/log": "1", "b/gone": "x" });
    const { value, changed } = transactionSync(root, (tx) => {
      assert.ok(tx instanceof TransactionSync);
      tx.write("a/one", ["n", "ew"]);
      tx.rename("a/log", "b/log.1");
      tx.remove("b/gone");
      tx.writeDirectory("site").writeFile("sub/page", "page");
      return tx.read("a/one", "utf8");
    });
    assert.deepEqual([value, changed], ["new", true]);
    assert.deepEqual(treeOf(root), { "a/one": "new", "b/log.1": "1", "site/sub/page": "page" });
    assert.deepEqual(leftovers(root), STAYS);
  });

  it("changes nothing if the function throws, returns a promise, or has swallowed an error", async (t) => {
    const root = filled(tempDir(t), { a: "A" });
    assert.match(await codeOf(() => transactionSync(root, async (tx) => tx.write("a", "B"))), /TypeError/);
    const swallowing = (tx: TransactionSync): void => {
      tx.write("a", "B");
      assert.throws(() => tx.remove("none"));
    };
    assert.equal(await codeOf(() => transactionSync(root, swallowing)), "NOT_FOUND unchanged");
    assert.deepEqual(treeOf(root), { a: "A" });
    assert.deepEqual(leftovers(root), [".holdfast-claims"]);
  });
});
