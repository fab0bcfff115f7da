/** What a failure is to a script: exit codes are part of the contract of the command line. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { toFailure } from "../../dist/cli/failure.js";
import { HoldfastError } from "../../dist/errors.js";

it("a lock of somebody else is 11, damage 3, whatever else fails 1, a wrong argument 2, a cancelled command 130", () => {
  const codeOf = (error: unknown, cancelled = false): number => toFailure(error, cancelled).exitCode;
  assert.equal(codeOf(new HoldfastError("LOCKED")), 11);
  assert.equal(codeOf(new HoldfastError("CORRUPT_JOURNAL")), 3);
  assert.equal(codeOf(new HoldfastError("NO_SPACE")), 1);
  assert.equal(codeOf(Object.assign(new Error("x"), { code: "EIO" })), 1);
  assert.equal(codeOf(new RangeError("x")), 2);
  assert.equal(codeOf(new HoldfastError("ABORTED"), true), 130);
});
