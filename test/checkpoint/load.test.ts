/** What is loaded, whatever has become of the files: the newest good state with a report of what is damaged, or an error. */
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { isHoldfastError, type Notice } from "holdfast";
import { Checkpoint, type DamagedGeneration } from "holdfast/checkpoint";
import * as v from "valibot";
import * as z from "zod";
import { generationPath, inRun, loaded, type State, savedUpTo } from "../support/checkpoints.ts";
import { names, tempDir } from "../support/temp-dir.ts";

const damagedIn = (error: unknown): readonly DamagedGeneration[] => {
  assert.ok(isHoldfastError(error, "CORRUPT_CHECKPOINT"), String(error));
  return error.details["damaged"] as readonly DamagedGeneration[];
};

/** Changes the bytes of one generation. */
function spoil(dir: string, generation: number, change: (bytes: Buffer) => Buffer | string): void {
  const file = generationPath(dir, generation);
  fs.writeFileSync(file, change(fs.readFileSync(file)));
}

const DAMAGE: Readonly<Record<string, readonly [cause: string, change: (bytes: Buffer) => Buffer | string]>> = {
  "cut short": ["truncated", (bytes) => bytes.subarray(0, bytes.length - 20)],
  empty: ["truncated", () => ""],
  "filled with zeros": ["truncated", (bytes) => Buffer.alloc(bytes.length)],
  "changed in one bit of a digit": [
    "digest",
    (bytes) => Buffer.from(bytes.toString("latin1").replace('{"count":3}', '{"count":7}')),
  ],
  "not JSON": ["foreign", () => "not a checkpoint"],
  "another generation's": ["header", () => ""],
};

describe("CKP-03 the newest generation is damaged", () => {
  for (const [name, [cause, change]] of Object.entries(DAMAGE)) {
    it(`${name}: the one before is loaded, with a report; the bad file is kept`, async (t) => {
      const dir = tempDir(t);
      await savedUpTo(dir, 3);
      const bytes = cause === "header" ? fs.readFileSync(generationPath(dir, 2)) : undefined;
      spoil(dir, 3, (old) => bytes ?? change(old));
      const spoilt = fs.readFileSync(generationPath(dir, 3));
      const notices: Notice[] = [];
      const listen = (notice: unknown): void => void notices.push(notice as Notice);
      subscribe("holdfast:notice", listen);
      const found = await loaded(dir);
      unsubscribe("holdfast:notice", listen);
      assert.ok(found.status === "degraded", found.status);
      assert.deepEqual([found.state, found.generation], [{ count: 2 }, 2]);
      assert.deepEqual(
        found.damaged.map(({ generation, cause: why, path: at }) => [generation, why, at]),
        [[3, cause, generationPath(dir, 3)]],
      );
      assert.equal(found.setBack.generations, 1);
      if (cause === "digest") assert.deepEqual([found.setBack.items, Number(found.setBack.milliseconds) >= 0], [1, true]);
      assert.ok(notices.some(({ type }) => type === "degraded"));

      // The next run saves: what is damaged is kept aside, and its number is not given again.
      const { generation } = await inRun(dir, async (checkpoint) => {
        assert.equal((await checkpoint.load()).status, "degraded");
        for (let count = 10; count < 16; count++) await checkpoint.save({ count });
        return await checkpoint.save({ count: 16 });
      });
      assert.equal(generation, 10);
      assert.deepEqual(fs.readFileSync(path.join(dir, "damaged-000000000003")), spoilt);
      assert.equal((await loaded(dir)).status, "ok");
    });
  }

  it("every single bit that flips is found", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(dir, 2);
    const whole = fs.readFileSync(generationPath(dir, 2));
    for (let bit = 0; bit < whole.length * 8; bit += 7) {
      spoil(dir, 2, () => {
        const bytes = Buffer.from(whole);
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        return bytes;
      });
      const found = await loaded(dir);
      assert.ok(found.status === "degraded" && found.state.count === 1, `bit ${bit}`);
    }
  });

  it("what was moved aside still counts as a set-back until something newer is saved", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(dir, 2);
    fs.renameSync(generationPath(dir, 2), path.join(dir, "damaged-000000000002"));
    const found = await loaded(dir);
    assert.ok(found.status === "degraded" && found.damaged[0]?.cause === "aside");
  });
});

describe("CKP-04 every generation is damaged", () => {
  it("each cause is told, nothing is called absent, and the run starts only once the checkpoint is cleared", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(dir, 3);
    spoil(dir, 1, () => "");
    spoil(dir, 2, (bytes) => bytes.subarray(0, 30));
    spoil(dir, 3, () => "?");
    await assert.rejects(loaded(dir), (error) => {
      assert.deepEqual(
        damagedIn(error).map(({ generation, cause }) => [generation, cause]),
        [
          [3, "foreign"],
          [2, "truncated"],
          [1, "truncated"],
        ],
      );
      return isHoldfastError(error) && error.outcome === "unchanged" && error.kind === "corrupt";
    });
    await inRun(dir, async (checkpoint) => {
      await assert.rejects(checkpoint.load(), (error) => damagedIn(error).length === 3);
      await checkpoint.clear();
      assert.equal((await checkpoint.load()).status, "absent");
      assert.equal((await checkpoint.save({ count: 1 })).generation, 5);
    });
    assert.deepEqual(
      names(dir).filter((name) => name.startsWith("damaged")),
      [1, 2, 3].map((generation) => `damaged-00000000000${generation}`),
    );
  });
});

it("CKP-05 what was never saved is absent, also where there is no directory, and so is what was cleared", async (t) => {
  const dir = path.join(tempDir(t), "job");
  assert.deepEqual(await loaded(dir), { status: "absent", clearedAt: undefined });
  assert.ok(!fs.existsSync(dir), "a reader makes nothing");
  await savedUpTo(dir, 2);
  await inRun(dir, (checkpoint) => checkpoint.clear());
  const found = await loaded(dir);
  assert.ok(found.status === "absent" && found.clearedAt !== undefined);
  assert.deepEqual(names(dir), ["checkpoint.lock", "generation-000000000003"]);
});

/** The file of a job as it was before it had checkpoints, in its two versions. */
interface Old {
  readonly processed: number;
  readonly total: number;
  readonly last_id: string | null;
}
const progress = z
  .object({ processed: z.number().int().min(0), total: z.number().int().min(0), last: z.string().nullable() })
  .refine(({ processed, total }) => processed <= total, "processed must be at most total");
type Rebuild = z.infer<typeof progress>;
const migrate = (value: unknown): Rebuild => {
  const { processed, total, last_id: last } = value as Old;
  return { processed, total, last };
};

describe("CKP-06 a file from before", () => {
  const V1 = { processed: 40, total: 100, last_id: "p-40", metadata: {}, created_at: "2026-01-01T00:00:00Z" };
  for (const [name, old] of Object.entries({ "unversioned v1": V1, v2: { version: 2, ...V1 } })) {
    it(`${name} is migrated, and the original kept`, async (t) => {
      const dir = tempDir(t);
      const legacy = path.join(dir, "progress.json");
      const text = JSON.stringify(old, null, 2);
      fs.writeFileSync(legacy, text);
      const options = { schema: progress, migrate, legacy };
      const found = await inRun(
        path.join(dir, "job"),
        async (checkpoint) => {
          const first = await checkpoint.load();
          await checkpoint.save({ processed: 41, total: 100, last: "p-41" });
          return first;
        },
        options,
      );
      assert.ok(found.status === "ok" && found.migratedFrom === "legacy" && found.generation === 0);
      assert.deepEqual(found.state, { processed: 40, total: 100, last: "p-40" });
      assert.equal(fs.readFileSync(legacy, "utf8"), text);
      const next = await loaded<Rebuild>(path.join(dir, "job"), options);
      assert.ok(next.status === "ok" && next.state.processed === 41, "what was saved since counts");
    });
  }

  it("half of one is damage, not absence", async (t) => {
    const dir = tempDir(t);
    const legacy = path.join(dir, "progress.json");
    fs.writeFileSync(legacy, JSON.stringify(V1, null, 2).slice(0, 50));
    await assert.rejects(loaded(path.join(dir, "job"), { legacy }), (error) => {
      const [only] = damagedIn(error);
      return only?.generation === 0 && only.path === legacy && only.cause === "truncated";
    });
  });

  it("at the path of the checkpoint it is refused, and how to go on is said", async (t) => {
    const file = path.join(tempDir(t), "progress.json");
    fs.writeFileSync(file, "{}");
    for (const opening of [() => Checkpoint.open(file), () => loaded(file)])
      await assert.rejects(opening, (error) => isHoldfastError(error, "NOT_A_DIRECTORY") && /option legacy/.test(error.message));
    assert.equal(fs.readFileSync(file, "utf8"), "{}");
  });

  it("a state of an older version of the caller's is migrated; its generation stays while newer ones come and go", async (t) => {
    const dir = tempDir(t);
    await inRun<void, Old>(dir, async (checkpoint) => void (await checkpoint.save({ processed: 1, total: 2, last_id: null })));
    const original = fs.readFileSync(generationPath(dir, 1));
    const options = { schema: progress, migrate, version: 2 };
    for (let run = 0; run < 3; run++) {
      await inRun<void, Rebuild>(
        dir,
        async (checkpoint) => {
          const found = await checkpoint.load();
          assert.ok(found.status === "ok");
          assert.equal(found.migratedFrom, run === 0 ? 1 : undefined);
          for (let count = 0; count < 4; count++) await checkpoint.save({ processed: 2, total: 2, last: null });
        },
        options,
      );
    }
    assert.deepEqual(fs.readFileSync(generationPath(dir, 1)), original);
    assert.equal(names(dir).filter((name) => name.startsWith("generation")).length, 4);
    await assert.rejects(loaded(dir), (error) => isHoldfastError(error, "FORMAT_TOO_NEW"));
  });
});

describe("CKP-07 a newer version", () => {
  it("of the format is refused, its file untouched, also where older generations are good", async (t) => {
    const dir = tempDir(t);
    await savedUpTo(dir, 2);
    const { createHash } = await import("node:crypto");
    spoil(dir, 2, (bytes) => {
      const body = bytes.toString("utf8").split("\n").slice(0, -2).join("\n").replace('"format":1', '"format":99');
      return `${body}\n,"sha256":"${createHash("sha256").update(`${body}\n`).digest("hex")}"}\n`;
    });
    const before = fs.readFileSync(generationPath(dir, 2));
    await assert.rejects(loaded(dir), (error) => isHoldfastError(error, "FORMAT_TOO_NEW") && error.details["format"] === 99);
    await inRun(dir, (checkpoint) => assert.rejects(checkpoint.load(), (error) => isHoldfastError(error, "FORMAT_TOO_NEW")));
    assert.deepEqual(fs.readFileSync(generationPath(dir, 2)), before);
  });
});

describe("CKP-08 a state that makes no sense is damage, and an older one is taken", () => {
  const bad: Readonly<Record<string, unknown>> = {
    "more processed than there are": { processed: 3, total: 2, last: null },
    negative: { processed: -1, total: 2, last: null },
    "a boolean for a number": { processed: true, total: 2, last: null },
    "a number for a key": { processed: 1, total: 2, last: 7 },
  };
  const schemas = {
    zod: progress,
    valibot: v.pipe(
      v.object({
        processed: v.pipe(v.number(), v.integer(), v.minValue(0)),
        total: v.pipe(v.number(), v.integer(), v.minValue(0)),
        last: v.nullable(v.string()),
      }),
      v.check(({ processed, total }) => processed <= total, "processed must be at most total"),
    ),
  };
  for (const [library, schema] of Object.entries(schemas)) {
    for (const [name, state] of Object.entries(bad)) {
      it(`${name} (${library})`, async (t) => {
        const dir = tempDir(t);
        const good = { processed: 1, total: 2, last: "a" };
        await inRun<void, unknown>(dir, async (checkpoint) => {
          await checkpoint.save(good);
          await checkpoint.save(state);
        });
        const found = await loaded<Rebuild>(dir, { schema });
        assert.ok(found.status === "degraded" && found.damaged[0]?.cause === "schema");
        assert.deepEqual(found.state, good);
        await inRun<void, Rebuild>(
          dir,
          async (checkpoint) => {
            const saving = checkpoint.save(state as Rebuild);
            await assert.rejects(saving, (error) => isHoldfastError(error, "SCHEMA_MISMATCH") && error.outcome === "unchanged");
          },
          { schema },
        );
      });
    }
  }
});

describe("CKP-11 the checkpoint of another job", () => {
  it("is refused with what differs, unless it is to be taken all the same", async (t) => {
    const dir = tempDir(t);
    const before = { model: "small", filter: { lang: "en", since: null }, ids: ["a", "b"] };
    await savedUpTo(dir, 2, { fingerprint: before });
    const now = { ids: ["a", "c"], filter: { since: null, lang: "de" }, model: "small", fast: true };
    await assert.rejects(loaded(dir, { fingerprint: now }), (error) => {
      assert.ok(isHoldfastError(error, "FINGERPRINT_MISMATCH"));
      const found = error.details["differences"] as { path: string; saved: unknown; now: unknown }[];
      assert.deepEqual(
        found.sort((a, b) => (a.path < b.path ? -1 : 1)),
        [
          { path: "fast", saved: undefined, now: true },
          { path: "filter.lang", saved: "en", now: "de" },
          { path: "ids", saved: ["a", "b"], now: ["a", "c"] },
        ],
      );
      return /filter.lang was "en", is "de"/.test(error.message);
    });
    assert.equal((await loaded(dir, { fingerprint: now, anyFingerprint: true })).status, "ok");
    const same = { ids: ["a", "b"], filter: { since: null, lang: "en" }, model: "small" };
    assert.equal((await loaded(dir, { fingerprint: same })).status, "ok", "the order of keys does not count");
    assert.equal((await loaded(dir)).status, "ok", "a status page need not know the job");
  });
});

it("wrong options are refused before anything is touched", async (t) => {
  const dir = path.join(tempDir(t), "job");
  const wrong: readonly object[] = [
    { keep: 0 },
    { keep: 1.5 },
    { fingerprint: () => 0 },
    { fingerprint: "x".repeat(70_000) },
    { codec: {} },
  ];
  for (const options of wrong) await assert.rejects(Checkpoint.open(dir, options), RangeError);
  await assert.rejects(Checkpoint.open(dir, { keeps: 3 } as object), TypeError);
  assert.ok(!fs.existsSync(dir));
  await inRun<void, unknown>(dir, async (checkpoint) => {
    await assert.rejects(checkpoint.save(undefined), TypeError);
    await assert.rejects(checkpoint.save({}, { progress: { done: -1 } }), RangeError);
    assert.deepEqual(names(dir), ["checkpoint.lock"]);
  });
  const reader = await Checkpoint.open<State>(dir, { readOnly: true });
  await assert.rejects(reader.save({ count: 1 }), (error) => isHoldfastError(error, "READ_ONLY"));
  const closed = await inRun(dir, async (checkpoint) => checkpoint);
  await assert.rejects(closed.save({ count: 1 }), (error) => isHoldfastError(error, "CLOSED"));
});
