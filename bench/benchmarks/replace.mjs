/** One durable replace of 4 KiB after the other, against the same system calls issued bare. */
import fs from "node:fs";
import path from "node:path";
import { holdfast, nativeLock } from "../library.mjs";
import { round, takeTurns } from "../measure.mjs";

const ROUNDS = 600;
/** Long enough for the compiler: what counts is a process that saves again and again. */
const WARM_UP_ROUNDS = 500;
const RATIO_SYNC_MAX = 1.15;
const RATIO_ASYNC_MAX = 1.7;

/**
 * The calls that `strace` shows for `writeFileSync` over an existing file in a directory it knows already, with nothing in
 * between: realpath, stat and lstat find the target; open, lock, fstat stage; write, fsync, fstat; rename; sync of the
 * directory; two closes.
 */
function bareReplace(file, bytes, native) {
  const dir = fs.realpathSync.native(path.dirname(file));
  fs.statSync(dir);
  fs.lstatSync(file);
  const staged = `${dir}/.holdfast-bench-staged`;
  const fd = fs.openSync(staged, fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL, 0o644);
  native?.tryLock(fd);
  fs.fstatSync(fd);
  fs.writeSync(fd, bytes, 0, bytes.length, 0);
  fs.fstatSync(fd);
  fs.fsyncSync(fd);
  fs.renameSync(staged, file);
  const dirFd = fs.openSync(dir, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  fs.fsyncSync(dirFd);
  fs.closeSync(dirFd);
  fs.closeSync(fd);
}

export async function replace({ dir }) {
  const bytes = Buffer.alloc(4096, 1);
  const native = nativeLock();
  const at = (name) => path.join(dir, name);
  for (const name of ["bare", "sync", "async"]) fs.writeFileSync(at(name), bytes);
  const contenders = {
    bare: () => bareReplace(at("bare"), bytes, native),
    sync: () => void holdfast.writeFileSync(at("sync"), bytes),
    async: () => holdfast.writeFile(at("async"), bytes),
  };
  const { bare, sync, async } = await takeTurns(contenders, { rounds: ROUNDS, warmUp: WARM_UP_ROUNDS, baseline: "bare" });
  const measured = (one, max) => ({
    value: round(one.ratio),
    unit: "x",
    target: `<= ${max}`,
    met: one.ratio <= max,
    details: { ms: round(one.ms, 3), bareMs: round(bare.ms, 3), rounds: ROUNDS },
    note: `${round(one.ms)} ms, bare ${round(bare.ms)} ms`,
  });
  return [
    { id: "writeFileSync, 4 KiB durable / bare calls", ...measured(sync, RATIO_SYNC_MAX) },
    { id: "writeFile, 4 KiB durable / bare sync calls", ...measured(async, RATIO_ASYNC_MAX) },
  ];
}
