/** What is trusted with locks, ages and durability: only what is known. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, test } from "node:test";
import { errnoOf, toHoldfastError } from "../../dist/errors.js";
import { fileSystemOfType } from "../../dist/io/file-systems.js";
import { systemError } from "../support/machines.ts";
import { needsLinux } from "../support/needs.ts";

const LINUX: readonly (readonly [number, string, local: boolean, persistent: boolean])[] = [
  [0xef53, "ext4", true, true],
  [0x58465342, "xfs", true, true],
  [0x9123683e, "btrfs", true, true],
  [0x794c7630, "overlay", true, true],
  [0x01021994, "tmpfs", true, false],
  [0x858458f6, "ramfs", true, false],
  [0x6969, "nfs", false, true],
  [0xff534d42, "cifs", false, true],
  [0xfe534d42, "smb2", false, true],
  [0x01021997, "9p", false, true],
  [0x65735546, "fuse", false, true],
  [0x12345678, "unknown", false, true],
  [0, "unknown", false, true],
];

describe("the file system of a statfs number", () => {
  for (const [type, name, local, persistent] of LINUX) {
    test(`0x${type.toString(16)} is ${name}: ${local ? "local" : "not known to be local"}, ${persistent ? "keeps" : "loses"} its content`, () => {
      assert.deepEqual(fileSystemOfType(type, "linux"), { name, local, persistent });
      assert.deepEqual(fileSystemOfType(type | 0, "linux"), { name, local, persistent }, "also as a signed number");
    });
  }

  test("is not looked up in another platform's table", () => {
    assert.equal(fileSystemOfType(0x1a, "darwin").name, "apfs");
    for (const [type, platform] of [
      [0xef53, "darwin"],
      [0x1a, "linux"],
      [0xef53, "freebsd"],
      [0x1a, "aix"],
    ] as const)
      assert.deepEqual(fileSystemOfType(type, platform), { name: "unknown", local: false, persistent: true });
  });

  test("of /proc and of this machine's memory disk is what Linux says", { skip: needsLinux }, () => {
    assert.equal(fileSystemOfType(fs.statfsSync("/proc").type, "linux").local, false);
  });
});

describe("the code of a system error", () => {
  for (const [error, errno, code] of [
    [systemError("ENOSPC", "write"), "ENOSPC", "NO_SPACE"],
    [systemError("EDQUOT", "write"), "EDQUOT", "NO_SPACE"],
    [systemError("EFBIG", "write"), "EFBIG", "NO_SPACE"],
    [systemError("EIO", "write"), "EIO", "IO"],
    [systemError("EIO", "fsync"), "EIO", "SYNC_FAILED"],
    [systemError("EIO", "fdatasync"), "EIO", "SYNC_FAILED"],
    [systemError("ENOENT", "rename"), "ENOENT", "IO"],
    [systemError("EMFILE", "open"), "EMFILE", "TOO_MANY_FILES"],
    [systemError("ENFILE", "open"), "ENFILE", "TOO_MANY_FILES"],
    [systemError("EACCES", "open"), "EACCES", "PERMISSION"],
    [systemError("EPERM", "open"), "EPERM", "PERMISSION"],
    [systemError("EROFS", "open"), "EROFS", "READ_ONLY"],
    [systemError("EBUSY", "rename"), "EBUSY", "BUSY"],
    [systemError("ETXTBSY", "open"), "ETXTBSY", "BUSY"],
    [systemError("ENAMETOOLONG", "open"), "ENAMETOOLONG", "INVALID_NAME"],
    [systemError("EWHATEVER", "open"), "EWHATEVER", "IO"],
    [new Error("no code"), "", "IO"],
    // What libuv has no name for, as Node's asynchronous and synchronous calls and the native lock give it.
    [systemError("Unknown system error -122", "write"), "EDQUOT", "NO_SPACE"],
    [Object.assign(systemError("UNKNOWN", "write"), { errno: -122 }), "EDQUOT", "NO_SPACE"],
    [systemError("Unknown system error -37", "fcntl"), "ENOLCK", "UNSUPPORTED"],
    [Object.assign(systemError("UNKNOWN", "open"), { errno: -4094 }), "UNKNOWN", "IO"],
    [systemError("Unknown system error -999", "open"), "Unknown system error -999", "IO"],
  ] as const) {
    test(`${error.message}${"errno" in error ? ` ${error.errno}` : ""} is ${code}`, () => {
      assert.equal(errnoOf(error), errno);
      const ours = toHoldfastError(error, "unchanged") as Error & { code: string; details: { errno?: string } };
      assert.deepEqual([ours.code, ours.details.errno ?? "", ours.cause], [code, errno, error]);
    });
  }

  test("of a value that is no error is IO, with the value as cause", () => {
    for (const thrown of ["text", null, undefined, 7, {}]) {
      const ours = toHoldfastError(thrown, "unknown") as Error & { code: string; outcome: string };
      assert.deepEqual([ours.code, ours.outcome, ours.cause], ["IO", "unknown", thrown]);
    }
  });
});
