/**
 * The last call wins, in the order of the calls, however they name the file and whatever form they have. With others the
 * older content wins in 23 of 40 rounds (atomically, relative and absolute path), 25 (fast-write-atomic), 33
 * (write-file-atomic, through a link), and no synchronous call shares the line.
 */
import assert from "node:assert/strict";
import { pbkdf2 } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type StagedFile, stageFile, type WriteResult, writeFile, writeFileSync } from "holdfast";
import { counting, systemError, withMachine, wrapped } from "../support/machines.ts";
import { needsPosix } from "../support/needs.ts";
import { type Seeded, seeded } from "../support/seeded.ts";
import { gate, slow } from "../support/sources.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const ROUNDS = 200;

/** A way to write, ready to be called at one moment. */
type Ready = (text: string) => Promise<WriteResult> | WriteResult;

/** One file under several names. */
function namesOf(dir: string, round: number, random: Seeded): (string | URL)[] {
  const file = path.join(dir, "real", `file-${round}`);
  const link = path.join(dir, `link-${round}`);
  fs.symlinkSync(random.of(file, `real/file-${round}`), link);
  return [file, path.relative(process.cwd(), file), pathToFileURL(file), link, path.join(dir, "linked", `file-${round}`)];
}

async function ready(at: string | URL, random: Seeded): Promise<Ready> {
  const durability = random.int(8) === 0 ? "durable" : "volatile";
  switch (random.of("async", "async", "chunks", "coalesce", "sync", "staged")) {
    case "async":
      return (text) => writeFile(at, text, { durability });
    case "chunks":
      return (text) => writeFile(at, slow(text, Promise.resolve()).data, { durability });
    case "coalesce":
      return (text) => writeFile(at, text, { durability, coalesce: true });
    case "sync":
      return (text) => writeFileSync(at, text, { durability });
    case "staged": {
      const staged: StagedFile = await stageFile(at, { durability });
      return (text) => {
        void staged.write(text);
        return staged.commit();
      };
    }
  }
}

/** Calls of several forms at almost one moment; what each resolved with. */
async function oneRound(dir: string, round: number, random: Seeded): Promise<void> {
  const names = namesOf(dir, round, random);
  const calls = await Promise.all(Array.from({ length: 2 + random.int(5) }, () => ready(random.of(...names), random)));
  // No two have one length, so that a result tells which content it is about.
  const texts = calls.map((_, index) => `${round}.${index}.`.padEnd(100 * (index + 1), "x"));
  const busy = random.int(3) === 0 ? 12 : 0;
  for (let count = 0; count < busy; count++) pbkdf2("a", "b", 1500, 32, "sha256", () => {});
  const results: (Promise<WriteResult> | WriteResult)[] = [];
  for (const [index, call] of calls.entries()) {
    results.push(call(texts[index] as string));
    for (let turns = random.of(0, 0, 0, 1, 3, 8); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  }
  const settled = await Promise.all(results);
  assert.equal(fs.readFileSync(names[0] as string, "utf8"), texts.at(-1), `round ${round}: the last call`);
  for (const [index, { superseded, sizeBytes }] of settled.entries()) {
    const about = texts.findIndex(({ length }) => length === sizeBytes);
    assert.ok(
      superseded ? about > index : about === index,
      `round ${round}: call ${index} resolved with ${about}, superseded ${superseded}`,
    );
  }
  assert.equal(settled.at(-1)?.superseded, false);
}

test(`the last call wins in ${ROUNDS} of ${ROUNDS} random mixes of forms and names, with a busy thread pool too`, {
  skip: needsPosix,
}, async (t) => {
  const random = seeded(t);
  const dir = tempDir(t);
  fs.mkdirSync(path.join(dir, "real"));
  fs.symlinkSync("real", path.join(dir, "linked"));
  for (let round = 0; round < ROUNDS; round++) await oneRound(dir, round, random);
  assert.deepEqual(leftovers(path.join(dir, "real")), []);
});

test("the last of 200 concurrent asynchronous calls wins, and none is left out", async (t) => {
  const file = path.join(tempDir(t), "file");
  const { counts, around } = counting();
  const results = await withMachine(wrapped(around), () =>
    Promise.all(Array.from({ length: 200 }, (_, index) => writeFile(file, `call ${index}`, { durability: "volatile" }))),
  );
  assert.equal(fs.readFileSync(file, "utf8"), "call 199");
  assert.ok(results.every(({ superseded }) => !superseded));
  assert.equal(counts.get("rename"), 200);
});

/** A first write that holds the line until it is let go. */
async function heldLine(t: TestContext): Promise<{ file: string; dir: string; letGo: () => void; first: Promise<WriteResult> }> {
  const dir = tempDir(t);
  const file = path.join(dir, "file");
  const hold = gate();
  const source = slow("first", hold.passed);
  const first = writeFile(file, source.data);
  await source.begun;
  return { dir, file, letGo: hold.open, first };
}

describe("a synchronous write", () => {
  test("goes ahead of the asynchronous ones called before, which never land and say so", async (t) => {
    const { file, dir, letGo, first } = await heldLine(t);
    const second = writeFile(file, "second");
    assert.equal(writeFileSync(file, "synchronous").superseded, false);
    assert.equal(fs.readFileSync(file, "utf8"), "synchronous");
    letGo();
    for (const older of [await first, await second]) {
      assert.equal(older.superseded, true);
      assert.equal(older.sizeBytes, "synchronous".length);
    }
    assert.equal(fs.readFileSync(file, "utf8"), "synchronous");
    assert.deepEqual(leftovers(dir), []);
  });

  test("wins over an asynchronous one at every request of that one, its rename in flight too", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    for (let nth = 1, more = true; more; nth++) {
      let count = 0;
      more = false;
      const machine = wrapped((_call, proceed) => {
        const reply = proceed(); // now it runs in another thread
        if (++count === nth) {
          more = true;
          count = Number.NEGATIVE_INFINITY;
          writeFileSync(file, `synchronous ${nth}`);
        }
        return reply;
      });
      const { superseded } = await withMachine({ ...machine, sync: machine.sync }, () => writeFile(file, `asynchronous ${nth}`));
      if (!more) break;
      assert.equal(fs.readFileSync(file, "utf8"), `synchronous ${nth}`);
      assert.equal(typeof superseded, "boolean");
      assert.deepEqual(leftovers(dir), []);
    }
  });

  test("that fails swallows none of them", async (t) => {
    const { file, letGo, first } = await heldLine(t);
    const second = writeFile(file, "second");
    assert.throws(() => writeFileSync(file, ["good", 7 as unknown as string]), TypeError);
    assert.throws(
      () => writeFileSync(file, ["x"], { strict: true, ifAbsent: true, symlink: "nonsense" as "follow" }),
      RangeError,
    );
    letGo();
    assert.deepEqual([(await first).superseded, (await second).superseded], [false, false]);
    assert.equal(fs.readFileSync(file, "utf8"), "second");
  });

  test("that fails at its rename, having stopped one that was about to land: that one says that nothing was changed", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    fs.writeFileSync(file, "old");
    const inFlight = gate();
    const machine = wrapped((call, proceed) => {
      if (call.op !== "rename") return proceed();
      if (inSync) throw systemError("EIO", "rename", file);
      inFlight.open();
      return held.passed.then(proceed);
    });
    const held = gate();
    let inSync = false;
    await withMachine(machine, async () => {
      const older = writeFile(file, "older");
      await inFlight.passed;
      inSync = true;
      assert.throws(() => writeFileSync(file, "synchronous"), { code: "IO" });
      inSync = false;
      held.open();
      await assert.rejects(older, { code: "ABORTED", outcome: "unchanged" });
    });
    assert.equal(fs.readFileSync(file, "utf8"), "old");
    assert.deepEqual(leftovers(dir), []);
  });

  test("called from within the source of another one is the newer of the two", (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    const outer = writeFileSync(
      file,
      (function* () {
        yield "outer";
        writeFileSync(file, "inner");
      })(),
    );
    assert.equal(outer.superseded, true);
    assert.equal(fs.readFileSync(file, "utf8"), "inner");
    assert.deepEqual(leftovers(dir), []);
  });

  test("that fails says so, also if a newer one was called from within its source", (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    const failing = function* (): Generator<string> {
      yield "outer";
      writeFileSync(file, "inner");
      throw new RangeError("the source has failed");
    };
    assert.throws(() => writeFileSync(file, failing()), { code: "SOURCE_FAILED", outcome: "unchanged" });
    assert.equal(fs.readFileSync(file, "utf8"), "inner");
    assert.deepEqual(leftovers(dir), []);
  });

  test("with ifAbsent lands only where nothing is, and takes no later-landing write away", async (t) => {
    const { file, letGo, first } = await heldLine(t);
    assert.equal(writeFileSync(file, "synchronous", { ifAbsent: true }).superseded, false);
    letGo();
    assert.equal((await first).superseded, false);
    assert.equal(fs.readFileSync(file, "utf8"), "first");
  });
});

describe("coalesce", () => {
  test("makes only the newest of the writes that wait", async (t) => {
    const dir = tempDir(t);
    const file = path.join(dir, "file");
    const { counts, around } = counting();
    const hold = gate();
    const results = await withMachine(wrapped(around), async () => {
      const source = slow("first", hold.passed);
      const first = writeFile(file, source.data);
      await source.begun;
      const waiting = Array.from({ length: 100 }, (_, index) => writeFile(file, `waiting ${index}`, { coalesce: true }));
      await new Promise((resolve) => setImmediate(resolve));
      while ((counts.get("realPath") ?? 0) < 101) await new Promise((resolve) => setImmediate(resolve));
      hold.open();
      return await Promise.all([first, ...waiting]);
    });
    assert.equal(fs.readFileSync(file, "utf8"), "waiting 99");
    const made = results.filter(({ superseded }) => !superseded).length;
    assert.equal(counts.get("rename"), made);
    assert.ok(made <= 3, `${made} of 101 writes were made`);
    for (const { superseded, sizeBytes } of results) if (superseded) assert.equal(sizeBytes, "waiting 99".length);
  });

  test("drops no write that did not ask for it", async (t) => {
    const { file, letGo, first } = await heldLine(t);
    const rest = [true, true, false, true, true].map((coalesce, index) => writeFile(file, `waiting ${index}`, { coalesce }));
    letGo();
    await first;
    const results = await Promise.all(rest);
    assert.equal(results[2]?.superseded, false);
    assert.equal(results[4]?.superseded, false);
    assert.equal(fs.readFileSync(file, "utf8"), "waiting 4");
  });

  test("a newest write that fails does not swallow the older ones: the newest good one lands", async (t) => {
    const { file, dir, letGo, first } = await heldLine(t);
    const coalesce = true;
    const older = writeFile(file, "older", { coalesce });
    const good = writeFile(file, "good", { coalesce });
    const bad = writeFile(file, ["bad", null as unknown as string], { coalesce });
    const control = new AbortController();
    const gone = writeFile(file, "aborted", { coalesce, signal: control.signal });
    control.abort();
    letGo();
    const results = await Promise.allSettled([first, older, good, bad, gone]);
    assert.deepEqual(
      results.map((result) => (result.status === "rejected" ? result.reason.name : "landed")),
      ["landed", "landed", "landed", "TypeError", "AbortError"],
    );
    assert.equal((await good).superseded, false);
    assert.equal((await older).sizeBytes, (await older).superseded ? "good".length : "older".length);
    assert.equal(fs.readFileSync(file, "utf8"), "good");
    assert.deepEqual(leftovers(dir), []);
  });
});

describe("a staged file", () => {
  test("counts when commit is called, not when it was opened", async (t) => {
    const file = path.join(tempDir(t), "file");
    const early = await stageFile(file);
    await early.write("staged early");
    await writeFile(file, "written");
    await early.commit();
    assert.equal(fs.readFileSync(file, "utf8"), "staged early");

    const other = await stageFile(file);
    await other.write("staged");
    const results = [other.commit(), writeFile(file, "written later")];
    await Promise.all(results);
    assert.equal(fs.readFileSync(file, "utf8"), "written later");
  });

  test("whose commit is overtaken by a synchronous write says so, and leaves nothing", async (t) => {
    const { file, dir, letGo, first } = await heldLine(t);
    const staged = await stageFile(file);
    await staged.write("staged");
    const commit = staged.commit();
    writeFileSync(file, "synchronous");
    letGo();
    assert.equal((await commit).superseded, true);
    await first;
    assert.equal(fs.readFileSync(file, "utf8"), "synchronous");
    assert.deepEqual(leftovers(dir), []);
    await assert.rejects(staged.commit(), { code: "CLOSED" });
  });

  test("that is open holds up no write of its file", async (t) => {
    const file = path.join(tempDir(t), "file");
    const staged = await stageFile(file);
    await staged.write("staged");
    await writeFile(file, "written");
    writeFileSync(file, "written again");
    assert.equal(fs.readFileSync(file, "utf8"), "written again");
    await staged.discard();
    assert.equal(fs.readFileSync(file, "utf8"), "written again");
  });
});

test("a write behind a commit that still waits for its content can be aborted, and those behind it keep their order", async (t) => {
  // The second call waited for the first to take its place in the line, deaf to its signal.
  const file = path.join(tempDir(t), "file");
  const control = new AbortController();
  const hold = gate();
  const staged = await stageFile(file);
  const source = slow("staged", hold.passed);
  const writing = staged.write(source.data);
  const results = [staged.commit(), writeFile(file, "aborted", { signal: control.signal }), writeFile(file, "last")];
  await source.begun;
  await new Promise((resolve) => setImmediate(resolve));
  control.abort();
  await assert.rejects(results[1] as Promise<unknown>, { code: "ABORTED", outcome: "unchanged" });
  hold.open();
  const [first, , last] = await Promise.allSettled(results);
  await writing;
  assert.deepEqual([first?.status, last?.status], ["fulfilled", "fulfilled"]);
  assert.equal(fs.readFileSync(file, "utf8"), "last");
});

test("files that only look alike have lines of their own: a hard link, another directory, another name", {
  skip: needsPosix,
}, async (t) => {
  const { file, dir, letGo, first } = await heldLine(t);
  fs.mkdirSync(path.join(dir, "sub"));
  fs.writeFileSync(path.join(dir, "old"), "");
  fs.linkSync(path.join(dir, "old"), path.join(dir, "hard"));
  for (const name of ["sub/file", "File", "old", "hard"]) await writeFile(path.join(dir, name), name);
  for (const name of ["sub/file", "File", "old", "hard"]) assert.equal(fs.readFileSync(path.join(dir, name), "utf8"), name);
  assert.ok(!fs.existsSync(file));
  letGo();
  await first;
});
