/** Saves of a checkpoint: small ones against a durable `writeFile`, large ones against the bare calls; and what many leave. */
import fs from "node:fs";
import path from "node:path";
import { checkpoints, holdfast } from "../library.mjs";
import { round, takeTurns } from "../measure.mjs";

const SMALL_RATIO_MAX = 1.3;
const LARGE_RATIO_MAX = 1.5;
const SMALL_ROUNDS = 400;
const LARGE_ROUNDS = 15;
const MANY = 10_000;
const HUGE_BYTES = 100_000_000;

/** A state whose JSON has about so many bytes. */
function stateOf(bytes) {
  const rows = Math.max(1, Math.round(bytes / 100));
  return Array.from({ length: rows }, (_, id) => ({
    id,
    name: `item number ${id}`,
    vector: [id / 7, id / 11, id / 13],
    done: true,
  }));
}

async function ratio(id, baseline, save, { rounds, warmUp, max }) {
  const times = await takeTurns({ bare: baseline, save }, { rounds, warmUp, baseline: "bare" });
  return {
    id,
    value: round(times.save.ratio),
    unit: "x",
    target: `<= ${max}`,
    met: times.save.ratio <= max,
    details: { ms: round(times.save.ms, 3), bareMs: round(times.bare.ms, 3), rounds },
    note: `${round(times.save.ms)} ms, against ${round(times.bare.ms)} ms`,
  };
}

async function small(dir) {
  const state = stateOf(1000);
  const checkpoint = await checkpoints.Checkpoint.open(path.join(dir, "small"));
  const file = path.join(dir, "small.json");
  const result = await ratio(
    "Checkpoint.save, 1 KB / durable writeFile",
    () => holdfast.writeFile(file, JSON.stringify(state)),
    () => checkpoint.save(state),
    { rounds: SMALL_ROUNDS, warmUp: 100, max: SMALL_RATIO_MAX },
  );
  await checkpoint.close();
  return result;
}

async function large(dir) {
  const state = stateOf(10_000_000);
  const checkpoint = await checkpoints.Checkpoint.open(path.join(dir, "large"));
  const file = path.join(dir, "large.json");
  const bare = () => {
    const fd = fs.openSync(file, "w");
    fs.writeFileSync(fd, JSON.stringify(state));
    fs.fsyncSync(fd);
    fs.closeSync(fd);
  };
  const options = { rounds: LARGE_ROUNDS, warmUp: 3, max: LARGE_RATIO_MAX };
  const result = await ratio(
    "Checkpoint.save, 10 MB / stringify, write, fsync",
    dir,
    bare,
    () => checkpoint.save(state),
    options,
  );
  await checkpoint.close();
  return result;
}

async function many(dir) {
  const at = path.join(dir, "many");
  const checkpoint = await checkpoints.Checkpoint.open(at);
  const times = [];
  for (let count = 0; count < MANY; count++) {
    const startMs = performance.now();
    await checkpoint.save({ count });
    times.push(performance.now() - startMs);
  }
  const left = fs.readdirSync(at).filter((name) => name !== "checkpoint.lock").length;
  await checkpoint.close();
  times.sort((a, b) => a - b);
  const share = (part) => round(times[Math.floor(times.length * part)]);
  return {
    id: `Checkpoint.save, ${MANY} times, files left`,
    value: left,
    unit: "files",
    target: "<= 4",
    met: left <= 4,
    details: { medianMs: share(0.5), p99Ms: share(0.99), maxMs: share(0.9999) },
    note: `median ${share(0.5)} ms, p99 ${share(0.99)} ms`,
  };
}

/** What is in memory beside the state: at most a few copies of its text. */
async function memory(dir) {
  const state = stateOf(HUGE_BYTES);
  const bytes = JSON.stringify(state).length;
  const checkpoint = await checkpoints.Checkpoint.open(path.join(dir, "huge"));
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 2);
  const startMs = performance.now();
  await checkpoint.save(state);
  const savedMs = performance.now() - startMs;
  most = Math.max(most, process.memoryUsage.rss());
  clearInterval(watch);
  await checkpoint.close();
  const loadMs = performance.now();
  await (await checkpoints.Checkpoint.open(path.join(dir, "huge"), { readOnly: true })).load();
  return {
    id: "Checkpoint.save, 100 MB, memory / size",
    value: round((most - before) / bytes),
    unit: "x",
    details: { savedMs: round(savedMs), loadedMs: round(performance.now() - loadMs) },
    note: `${round(bytes / 1e6)} MB saved in ${round(savedMs / 1000)} s, loaded in ${round((performance.now() - loadMs) / 1000)} s`,
  };
}

export async function checkpoint({ dir }) {
  return [await small(dir), await large(dir), await many(dir), await memory(dir)];
}
