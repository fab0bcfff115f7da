/** An abort counts up to the commit point, at once and without a trace; from it on it changes nothing. */
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import { describe, type TestContext, test } from "node:test";
import { createWriteStream, HoldfastError, isHoldfastError, readFile, readJson, stageFile, writeFile, writeJson } from "holdfast";
import type { Op } from "../../dist/io/io.js";
import { withMachine, wrapped } from "../support/machines.ts";
import { gate, slow, stalled } from "../support/sources.ts";
import { allClosed, leftovers, tempDir } from "../support/temp-dir.ts";

const reason = new Error("the user has gone");
const aborted = { name: "AbortError", code: "ABORTED", kind: "aborted", outcome: "unchanged", cause: reason };

function withOldFile(t: TestContext): { dir: string; file: string; unchanged: () => Promise<void> } {
  const dir = tempDir(t);
  const file = path.join(dir, "file");
  fs.writeFileSync(file, '"old"');
  return {
    dir,
    file,
    async unchanged() {
      assert.equal(fs.readFileSync(file, "utf8"), '"old"');
      assert.deepEqual(leftovers(dir), []);
      await allClosed(dir);
      await writeFile(file, "later");
      assert.equal(fs.readFileSync(file, "utf8"), "later");
    },
  };
}

describe("an abort", () => {
  test("before the call: nothing is done, by any function", async (t) => {
    const { file, unchanged } = withOldFile(t);
    const signal = AbortSignal.abort(reason);
    let pulled = false;
    const source = (async function* () {
      pulled = true;
      yield "";
    })();
    await assert.rejects(writeFile(file, "new", { signal }), aborted);
    await assert.rejects(writeFile(file, source, { signal }), aborted);
    await assert.rejects(writeJson(file, "new", { signal }), aborted);
    await assert.rejects(stageFile(file, { signal }), aborted);
    await assert.rejects(readFile(file, { signal }), aborted);
    await assert.rejects(readJson(file, { signal }), aborted);
    assert.equal(pulled, false);
    await unchanged();
  });

  test("without a reason has the standard one, and the error is one of ours", async (t) => {
    const { file } = withOldFile(t);
    const error: unknown = await writeFile(file, "new", { signal: AbortSignal.abort() }).catch((caught: unknown) => caught);
    assert.ok(isHoldfastError(error, "ABORTED") && error instanceof HoldfastError);
    assert.equal((error.cause as Error).name, "AbortError");
  });

  test("while a source stalls: rejects at once, and the source is left", async (t) => {
    const { file, unchanged } = withOldFile(t);
    const control = new AbortController();
    const source = stalled();
    const writing = writeFile(file, source.data, { signal: control.signal });
    await source.asked;
    assert.equal(leftovers(path.dirname(file)).length, 1, "it was on its way");
    control.abort(reason);
    await assert.rejects(writing, aborted);
    assert.ok(source.returned());
    await unchanged();
  });

  test("while a Node stream stalls destroys it", async (t) => {
    const { file, unchanged } = withOldFile(t);
    const control = new AbortController();
    const stream = new PassThrough();
    const closed = once(stream, "close");
    stream.write("half");
    const writing = writeFile(file, stream, { signal: control.signal });
    control.abort(reason);
    await assert.rejects(writing, aborted);
    await closed;
    assert.ok(stream.destroyed);
    await unchanged();
  });

  test("while it waits in line: rejects at once, and those before and behind it go on", async (t) => {
    const { file, dir } = withOldFile(t);
    const control = new AbortController();
    const hold = gate();
    const first = slow("first", hold.passed);
    const never = new PassThrough();
    const writes = [writeFile(file, first.data), writeFile(file, never, { signal: control.signal }), writeFile(file, "third")];
    await first.begun;
    control.abort(reason);
    await assert.rejects(writes[1] as Promise<unknown>, aborted);
    assert.ok(never.destroyed);
    assert.equal(fs.readFileSync(file, "utf8"), '"old"', "the first still holds the line");
    hold.open();
    await writes[0];
    await writes[2];
    assert.equal(fs.readFileSync(file, "utf8"), "third");
    assert.deepEqual(leftovers(dir), []);
  });

  test("while all places for sources are taken: rejects at once, and no place is lost", async (t) => {
    const { dir } = withOldFile(t);
    const hold = gate();
    const sources = Array.from({ length: 20 }, () => slow("a", hold.passed, "b"));
    const writes = sources.map(({ data }, index) => writeFile(path.join(dir, `slow-${index}`), data));
    await sources[0]?.begun;
    const control = new AbortController();
    const waiting = Array.from({ length: 40 }, (_, index) =>
      writeFile(path.join(dir, `no-${index}`), stalled().data, { signal: control.signal }),
    );
    control.abort(reason);
    for (const settled of await Promise.allSettled(waiting))
      assert.equal(settled.status === "rejected" && settled.reason.code, "ABORTED");
    hold.open();
    await Promise.all(writes);
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => writeFile(path.join(dir, `more-${index}`), slow("a", hold.passed).data)),
    );
    assert.equal(fs.readdirSync(dir).length, 1 + 20 + 40);
  });

  test("after the write has resolved changes nothing", async (t) => {
    const { file } = withOldFile(t);
    const control = new AbortController();
    const { sizeBytes } = await writeFile(file, "new", { signal: control.signal });
    control.abort(reason);
    assert.equal(sizeBytes, 3);
    assert.equal(fs.readFileSync(file, "utf8"), "new");
  });

  test("with a thousand writes on one signal warns of no leak and stops them all", async (t) => {
    const { dir } = withOldFile(t);
    const control = new AbortController();
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on("warning", listen);
    t.after(() => process.off("warning", listen));
    const writes = Array.from({ length: 1000 }, (_, index) =>
      writeFile(path.join(dir, `file-${index}`), stalled().data, { signal: control.signal }),
    );
    control.abort(reason);
    for (const settled of await Promise.allSettled(writes))
      assert.equal(settled.status === "rejected" && settled.reason.code, "ABORTED");
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(warnings, []);
    assert.deepEqual(fs.readdirSync(dir), ["file"]);
  });
});

describe("an abort at every single request of a real write", () => {
  /** Writes with an abort right after the `nth` request; what came of it, and the names of the requests so far. */
  async function abortAfter(nth: number, file: string): Promise<{ error: unknown; requests: Op[] }> {
    const control = new AbortController();
    const requests: Op[] = [];
    const machine = wrapped((call, proceed) => {
      const abort = (): void => {
        if (requests.push(call.op) === nth) control.abort(reason);
      };
      const reply = proceed();
      if (reply instanceof Promise) return reply.finally(abort);
      abort();
      return reply;
    });
    const error = await withMachine(machine, () =>
      writeFile(file, ["a", "b"], { signal: control.signal }).then(
        () => undefined,
        (caught: unknown) => caught,
      ),
    );
    return { error, requests };
  }

  test("up to the rename: unchanged, no trace; from it on: written", async (t) => {
    const { file, dir } = withOldFile(t);
    let honoured = 0;
    for (let nth = 1; ; nth++) {
      fs.writeFileSync(file, "old");
      const { error, requests } = await abortAfter(nth, file);
      assert.deepEqual(leftovers(dir), [], `after request ${nth}`);
      await allClosed(dir);
      if (requests.length < nth) break; // there were no more requests
      if (error) {
        honoured++;
        assert.ok(isHoldfastError(error, "ABORTED") && error.outcome === "unchanged" && error.cause === reason);
        assert.equal(fs.readFileSync(file, "utf8"), "old");
      } else {
        assert.ok(requests.slice(0, nth).includes("rename"), `ignored after ${requests[nth - 1]}`);
        assert.equal(fs.readFileSync(file, "utf8"), "ab");
      }
    }
    assert.ok(honoured >= 10, `honoured ${honoured} times`);
  });
});

describe("an abort of a staged file", () => {
  test("between its writes: the next call rejects, and nothing is left", async (t) => {
    for (const next of ["write", "commit"] as const) {
      const { file, unchanged } = withOldFile(t);
      const control = new AbortController();
      const staged = await stageFile(file, { signal: control.signal });
      await staged.write("new");
      control.abort(reason);
      await assert.rejects(next === "write" ? staged.write("more") : staged.commit(), aborted);
      await assert.rejects(staged.commit(), { code: "CLOSED" });
      await unchanged();
    }
  });

  test("as a stream, while it is opened or later, destroys it with one AbortError, and nothing is left", async (t) => {
    // While it was opened the error was an AggregateError of the abort and of the abort.
    for (const written of [false, true]) await abortStream(t, written);
  });

  async function abortStream(t: TestContext, written: boolean): Promise<void> {
    const { file, unchanged } = withOldFile(t);
    const control = new AbortController();
    const stream = createWriteStream(file, { signal: control.signal });
    if (written) await new Promise((resolve) => stream.write("new", resolve));
    else stream.write("new");
    const failed = once(stream, "error");
    const closed = new Promise((resolve) => stream.once("close", resolve));
    control.abort(reason);
    const [error] = (await failed) as [Error];
    assert.equal(error.name, "AbortError");
    await closed;
    await unchanged();
  }
});
