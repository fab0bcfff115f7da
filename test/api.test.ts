/** The names that each entry of the package exports. A change here is a change of the API: make it by hand, and on purpose. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, it } from "node:test";

const API: Readonly<Record<string, readonly string[]>> = {
  holdfast: [
    "HoldfastError",
    "capabilities",
    "createWriteStream",
    "isHoldfastError",
    "readFile",
    "readFileSync",
    "readJson",
    "stageDirectory",
    "stageFile",
    "stageOutput",
    "updateFile",
    "updateFileSync",
    "updateJson",
    "writeFile",
    "writeFileSync",
    "writeJson",
  ],
  // checkpointKind is for the doctor.
  "holdfast/checkpoint": ["Checkpoint", "checkpointKind", "resumable", "structuredCloneCodec"],
  "holdfast/doctor": ["diagnose"],
  // lockKind is for the doctor, withLockSync for updateFileSync: they are not in the documentation.
  "holdfast/lock": ["KeptLock", "Lock", "acquireLock", "lockKind", "tryLock", "withLock", "withLockSync"],
  "holdfast/log": ["Log", "logKind", "openLog"],
  "holdfast/sim": [
    "SABOTAGE_NAMES",
    "SimDisk",
    "builtinSweeps",
    "faultSweep",
    "interleave",
    "onDisk",
    "runBuiltinSweeps",
    "sweep",
  ],
  // tileSetKind is for the doctor.
  "holdfast/tiles": ["TileSet", "buildTileSet", "openTileSet", "repairTileSet", "tileSetKind", "writeTileSet"],
  "holdfast/tiles/geotiff": ["encodeGeoTiff", "streamGeoTiff"],
  // claimsKind is for the doctor: it is not in the documentation.
  "holdfast/tx": [
    "Transaction",
    "TransactionDirectory",
    "TransactionSync",
    "claimsKind",
    "recover",
    "transaction",
    "transactionSync",
  ],
};

describe("the public API", () => {
  const { exports } = JSON.parse(fs.readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { exports: object };
  const entries = Object.keys(exports).filter((subpath) => subpath !== "./package.json");

  it("has these entries", () => {
    assert.deepEqual(entries.map((subpath) => `holdfast${subpath.slice(1)}`).sort(), Object.keys(API).sort());
  });
  for (const [entry, names] of Object.entries(API)) {
    it(`${entry} exports these names`, async () => {
      const module = (await import(entry)) as object;
      assert.deepEqual(Object.keys(module).sort(), [...names].sort());
    });
  }
});
