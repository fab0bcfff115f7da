/** How states become bytes: JSON for people, structured clones, libraries, and states that are never in memory as a whole. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { describe, it } from "node:test";
import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { type Codec, structuredCloneCodec } from "holdfast/checkpoint";
import { generationPath, inRun, loaded } from "../support/checkpoints.ts";
import { tempDir } from "../support/temp-dir.ts";

async function roundTrip<S>(dir: string, state: S, codec?: Codec<S>): Promise<S> {
  const { generation } = await inRun<{ generation: number }, S>(dir, (checkpoint) => checkpoint.save(state), { codec });
  const found = await loaded<S>(dir, { codec });
  assert.ok(found.status === "ok" && found.generation === generation, JSON.stringify(found));
  return found.state;
}

describe("JSON", () => {
  it("is a text for people: JSON as a whole, and the digest can be checked by hand", async (t) => {
    const dir = tempDir(t);
    await inRun<unknown, unknown>(
      dir,
      (checkpoint) => checkpoint.save({ text: "\u{1f600}\n" }, { progress: { done: 1, total: 2 } }),
      {
        fingerprint: { model: "m" },
      },
    );
    const text = fs.readFileSync(generationPath(dir, 1), "utf8");
    const value = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual(value["state"], { text: "\u{1f600}\n" });
    assert.deepEqual(
      [value["holdfast"], value["format"], value["generation"], value["fingerprint"], value["progress"], value["codec"]],
      ["checkpoint", 1, 1, { model: "m" }, { done: 1, total: 2 }, "json"],
    );
    const lines = text.split("\n");
    assert.equal(lines.length, 4);
    assert.equal(
      createHash("sha256")
        .update(`${lines.slice(0, 2).join("\n")}\n`)
        .digest("hex"),
      value["sha256"],
    );
    if (process.platform === "linux") {
      const [sum] = execFileSync("sh", ["-c", 'head -n -1 "$1" | sha256sum', "sh", generationPath(dir, 1)], {
        encoding: "utf8",
      }).split(" ");
      assert.equal(sum, value["sha256"]);
    }
  });

  it("any value comes back as JSON has it, also in pieces that would cut a letter in two", async (t) => {
    const dir = tempDir(t);
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        assert.deepEqual(await roundTrip(dir, value), JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 25 },
    );
    const long = `x${"\u{1f600}".repeat((1 << 20) + 3)}`;
    assert.equal(await roundTrip(dir, long), long);
  });
});

describe("other codecs", () => {
  it("structured clones have what JSON has not", async (t) => {
    const state = { done: new Set(["a"]), at: new Date(0), counts: new Map([["b", 2n]]), bytes: new Uint8Array([1, 10, 13]) };
    assert.deepEqual(await roundTrip(tempDir(t), state, structuredCloneCodec()), state);
  });

  it("a library fits in one line", async (t) => {
    const msgpack: Codec<unknown> = { name: "msgpack", encode: (state) => encode(state), decode: (bytes) => decode(bytes) };
    const state = { words: ["a\n", "\n"], bytes: new Uint8Array([10, 0, 255]) };
    assert.deepEqual(await roundTrip(tempDir(t), state, msgpack), state);
  });

  it("pieces are written as they come, also later", async (t) => {
    const lines = Array.from({ length: 30_000 }, (_, index) => `line ${index}`);
    const text: Omit<Codec<string[]>, "encode"> = {
      name: "lines",
      decode: (bytes) => new TextDecoder().decode(bytes).split("\n").slice(0, -1),
    };
    const now: Codec<string[]> = {
      ...text,
      *encode(state) {
        for (const line of state) yield `${line}\n`;
      },
    };
    const later: Codec<string[]> = {
      ...text,
      async *encode(state) {
        for (const line of state) yield Buffer.from(`${line}\n`);
      },
    };
    for (const codec of [now, later]) assert.deepEqual(await roundTrip(tempDir(t), lines, codec), lines);
  });

  it("what another codec wrote is not decoded, and not lost", async (t) => {
    const dir = tempDir(t);
    await roundTrip(dir, { a: 1 });
    await assert.rejects(loaded(dir, { codec: structuredCloneCodec() }), /its codec is json/);
    assert.equal((await loaded(dir)).status, "ok");
  });
});
