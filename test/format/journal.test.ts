/** Records of format 1 as they were written once: every later version has to read them. Never write them anew. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { isHoldfastError } from "holdfast";
import { decodeJournal, encodeJournal } from "../../dist/format/journal.js";

const GOLDEN = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../test/format/golden");
const bytesOf = (name: string): Buffer => fs.readFileSync(path.join(GOLDEN, name));

it("the record of a transaction, with each kind of step", () => {
  const { target, steps } = decodeJournal(bytesOf("transaction-1.journal"), "golden");
  assert.equal(target, ".");
  assert.deepEqual(
    steps.map((step) => `${step.do} ${step.target}`),
    [
      "rename .holdfast-dir-01h8xgk2v9q4zr7m3c5n6p0abw/3",
      "remove a/gone",
      "remove-directory old",
      "make-directory b",
      "rename b/log",
      "put a/log",
    ],
  );
  const [first, , , , , last] = steps;
  assert.deepEqual(first?.do === "rename" && [first.from, first.before, first.after.inode], ["a/log", null, "131"]);
  assert.match((last?.do === "put" && last.after.sha256) || "", /^5feceb66/);
});

it("the record of a directory that is swapped", () => {
  const { target, steps } = decodeJournal(bytesOf("swap-1.journal"), "golden");
  assert.deepEqual([target, steps.map((step) => step.do)], ["site", ["swap"]]);
});

it("what is written now has the same bytes", () => {
  for (const name of fs.readdirSync(GOLDEN))
    assert.deepEqual(Buffer.from(encodeJournal(decodeJournal(bytesOf(name), name))), bytesOf(name), name);
});

it("any changed byte is found, and so is a path that leads outside", () => {
  const bytes = bytesOf("transaction-1.journal");
  for (let at = 20; at < bytes.length; at += 7) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(
      () => decodeJournal(changed, "x"),
      (error) => isHoldfastError(error, "CORRUPT_JOURNAL"),
    );
  }
  const outside = { target: ".", steps: [{ do: "make-directory", target: "../x", mode: 511 }] } as const;
  assert.throws(
    () => decodeJournal(encodeJournal(outside), "x"),
    (error) => isHoldfastError(error, "CORRUPT_JOURNAL"),
  );
});
