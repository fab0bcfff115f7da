/** Real processes change two files together, are killed at random, and keep what holds over both. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { recover } from "holdfast/tx";
import { startChild } from "../support/child.ts";
import { wide } from "../support/deep.ts";
import { needsPosix } from "../support/needs.ts";
import { seeded } from "../support/seeded.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

const WORKERS = 3;
const LIVES = wide ? 4 : 2;
const DONE_MAX = 8;

it("increments of two files by processes that are killed: never one without the other, none that was acknowledged is lost", {
  skip: needsPosix,
}, async (t) => {
  const random = seeded(t);
  const root = tempDir(t);
  for (const name of ["a/count", "b/count"]) {
    fs.mkdirSync(path.dirname(path.join(root, name)));
    fs.writeFileSync(path.join(root, name), "0");
  }
  let [acknowledged, begun] = [0, 0];

  const live = async (name: string): Promise<void> => {
    const child = startChild(
      async ({ txs, say }, { root, name }: { root: string; name: string }) => {
        for (let count = 1; ; count++) {
          say("begins");
          await txs.transaction(root, async (tx) => {
            // In an order of their own, so that some wait for each other, and give up.
            const first = Number(await tx.read("a/count", "utf8"));
            const second = Number(await tx.read("b/count", "utf8"));
            if (first !== second) throw new RangeError(`${first} and ${second}`);
            tx.write("a/count", String(first + 1));
            tx.write("b/count", String(second + 1));
            tx.write(`own/${name}`, String(count));
          });
          say("done");
        }
      },
      { root, name },
    );
    t.after(() => child.kill());
    const hear = (said: unknown): void => {
      if (said === "done") acknowledged++;
      else begun++;
    };
    for (let left = 1 + random.int(DONE_MAX); left > 0; ) {
      const said = await child.next();
      if (said === undefined) await child.result; // it has ended by itself, and says why
      hear(said);
      if (said === "done") left--;
    }
    for (let turns = random.int(200); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    await child.kill();
    for (let said = await child.next(); said !== undefined; said = await child.next()) hear(said);
  };

  await Promise.all(
    Array.from({ length: WORKERS }, async (_, worker) => {
      for (let life = 0; life < LIVES; life++) await live(`${worker}-${life}`);
    }),
  );
  const { actions } = await recover(root);
  assert.ok(!actions.some(({ action }) => action === "failed"), JSON.stringify(actions));
  const counts = ["a/count", "b/count"].map((name) => Number(fs.readFileSync(path.join(root, name), "utf8")));
  assert.equal(counts[0], counts[1]);
  assert.ok((counts[0] ?? 0) >= acknowledged && (counts[0] ?? 0) <= begun, `${counts[0]} of ${acknowledged} to ${begun}`);
  assert.deepEqual(
    leftovers(root).filter((name) => !/claims$|journal\.lock$/.test(name)),
    [],
  );
  assert.deepEqual(fs.readdirSync(path.join(root, ".holdfast-claims")), ["claims.lock"]);
});
