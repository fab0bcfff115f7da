/** Version 1 of the format, as it was written by the first version of the library: it is read for ever. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Checkpoint, resumable } from "holdfast/checkpoint";
import { inRun, loaded } from "../support/checkpoints.ts";
import { tempDir } from "../support/temp-dir.ts";

const GOLDEN = fileURLToPath(new URL("../../test/golden/checkpoint-1", import.meta.url));

describe("format 1", () => {
  it("a state, with all that stands beside it", async () => {
    const found = await loaded<unknown>(path.join(GOLDEN, "job"), {
      fingerprint: { ids: ["a", "b"], model: "small" },
      version: 3,
    });
    assert.deepEqual(found, {
      status: "ok",
      state: { count: 3, text: "gr\u00fc\u00dfe \u{1f600}" },
      migratedFrom: undefined,
      generation: 3,
      savedAt: "2026-11-26T10:57:41.164Z",
      startedAt: "2026-11-26T10:57:41.144Z",
      progress: { done: 3, total: 10 },
    });
    const history = await (await Checkpoint.open(path.join(GOLDEN, "job"), { readOnly: true })).history({ verify: true });
    assert.deepEqual(
      history.map(({ generation, state }) => [generation, state]),
      [
        [3, "good"],
        [2, "good"],
      ],
    );
  });

  it("a state that was cleared", async () => {
    const found = await loaded(path.join(GOLDEN, "cleared"));
    assert.ok(found.status === "absent" && found.clearedAt !== undefined);
  });

  it("a resumable job, with done keys in a file of their own", async (t) => {
    const dir = tempDir(t);
    fs.cpSync(path.join(GOLDEN, "keys"), dir, { recursive: true });
    const result = await inRun<unknown, unknown>(dir, (checkpoint) =>
      resumable([1099, 0, 5, 1100], { key: (one: number) => one, checkpoint }, (one) => assert.equal(one, 1100)),
    );
    assert.equal((result as { skipped: number }).skipped, 3);
  });
});
