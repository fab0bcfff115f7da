/** Look-ups that concurrent calls share (src/io/lookups.ts), on a machine whose answers are let go one by one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Io } from "../../dist/io/io.js";
import { sharingLookups } from "../../dist/io/lookups.js";
import { nodeMachine } from "../../dist/io/node.js";

/** A machine that says with what number each look-up went out, when it is told to. */
function numbered(): { readonly io: Io; readonly asked: string[]; readonly answer: () => void } {
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  const realPath = (path: string): Promise<string> => {
    const number = asked.push(path);
    return new Promise((resolve) => waiting.push(() => resolve(`${path} ${number}`)));
  };
  const answer = (): void => {
    for (const one of waiting.splice(0)) one();
  };
  return { io: { ...nodeMachine().io, realPath }, asked, answer };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("calls of one moment are one request, and all get its answer", async () => {
  const { io, asked, answer } = numbered();
  const { realPath } = sharingLookups(io);
  const answers = Promise.all([realPath("/a"), realPath("/b"), realPath("/a")]);
  await turn();
  answer();
  assert.deepEqual(await answers, ["/a 1", "/b 2", "/a 1"]);
  assert.deepEqual(asked, ["/a", "/b"]);
});

test("a call that comes while an answer is on its way asks anew: what it gets is true after it was made", async () => {
  const { io, asked, answer } = numbered();
  const { realPath } = sharingLookups(io);
  const first = realPath("/a");
  await turn();
  const second = realPath("/a");
  await turn();
  answer();
  assert.deepEqual([await first, await second], ["/a 1", "/a 2"]);
  assert.equal(asked.length, 2);
});

test("the request goes out after the code that made the calls, so that it sees what that code did meanwhile", async () => {
  const { io, asked } = numbered();
  const { realPath } = sharingLookups(io);
  void realPath("/a");
  assert.deepEqual(asked, []);
  await turn();
  assert.deepEqual(asked, ["/a"]);
});

test("a failure reaches all, and is not remembered", async () => {
  let fails = true;
  const lookUp = async (path: string): Promise<string> => {
    if (fails) throw new RangeError("gone");
    return path;
  };
  const { realPath } = sharingLookups({ ...nodeMachine().io, realPath: lookUp });
  const both = await Promise.allSettled([realPath("/a"), realPath("/a")]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  fails = false;
  assert.equal(await realPath("/a"), "/a");
});
