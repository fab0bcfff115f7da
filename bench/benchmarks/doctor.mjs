/** Memory and time of the doctor in large trees. The files have one inode by a thousand: hard links are made faster, and read alike. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { child } from "../library.mjs";
import { round } from "../measure.mjs";

const FILES = 1_000_000;
const LINKS = 1000;
const MIB = 1024 * 1024;
const MIB_MAX = 200;

export async function doctor({ dir }) {
  return [lookInto(path.join(dir, "flat"), FILES), lookInto(path.join(dir, "deep"), 1000)];
}

function lookInto(dir, filesEach) {
  const directories = FILES / filesEach;
  for (let index = 0; index < directories; index++) fill(path.join(dir, `directory-${index}`), filesEach);
  const { status, stdout, stderr } = spawnSync(process.execPath, [child("doctor"), dir], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  fs.rmSync(dir, { recursive: true });
  const found = JSON.parse(stdout);
  if (found.directoryCount !== directories + 1) throw new Error(`${found.directoryCount} directories`);
  const mib = found.peakBytes / MIB;
  return {
    id: `doctor, ${FILES} files in ${directories} directories: memory`,
    value: round(mib, 1),
    unit: "MiB",
    target: `< ${MIB_MAX}`,
    met: mib < MIB_MAX,
    details: found,
    note: `of the whole process, at its peak; ${round(found.seconds, 1)} s`,
  };
}

function fill(dir, count) {
  fs.mkdirSync(dir, { recursive: true });
  let first;
  for (let index = 0; index < count; index++) {
    const file = path.join(dir, `file-${index}.txt`);
    if (index % LINKS === 0) {
      fs.writeFileSync(file, "");
      first = file;
    } else fs.linkSync(first, file);
  }
}
