/** 64 durable writes at once, in one directory: writes per second against others, and directory syncs per write. */
import path from "node:path";
import { holdfast, peers, posixMachine, sharingBarriers, withMachine } from "../library.mjs";
import { round, takeTurns } from "../measure.mjs";

const WRITERS = 64;
const ROUNDS = 60;
/** Long enough for the compiler. */
const WARM_UP_ROUNDS = 20;
const DIR_SYNCS_PER_WRITE_MAX = 0.2;

export async function together({ dir }) {
  const bytes = Buffer.alloc(4096, 2);
  const allWith = (name, save) => () =>
    Promise.all(Array.from({ length: WRITERS }, (_, index) => save(path.join(dir, `${name}-${index}`), bytes)));
  const savers = { holdfast: holdfast.writeFile, ...(await peers()) };
  const contenders = Object.fromEntries(Object.entries(savers).map(([name, save]) => [name, allWith(name, save)]));
  const results = await takeTurns(contenders, { rounds: ROUNDS, warmUp: WARM_UP_ROUNDS, baseline: "holdfast" });

  const perSecond = (name) => Math.round((WRITERS * 1000) / results[name].ms);
  const others = Object.keys(results).filter((name) => name !== "holdfast");
  const rates = Object.fromEntries(Object.keys(results).map((name) => [name, perSecond(name)]));
  const fastest = others.sort((a, b) => results[a].ratio - results[b].ratio)[0];
  const speed = fastest && results[fastest].ratio;
  return [
    {
      id: `${WRITERS} durable writes at once / fastest other`,
      value: speed && round(speed),
      unit: "x the speed",
      target: ">= 1",
      met: speed === undefined ? undefined : speed >= 1,
      details: { writesPerSecond: rates, fastest, writers: WRITERS, rounds: ROUNDS },
      note: `writes/s: ${Object.entries(rates)
        .map(([name, rate]) => `${name} ${rate}`)
        .join(", ")}${fastest ? "" : " (others not installed)"}`,
    },
    await directorySyncs(dir, bytes),
  ];
}

async function directorySyncs(dir, bytes) {
  const { io, sync } = posixMachine(process.platform);
  let count = 0;
  const counting = {
    ...io,
    syncDir(at) {
      count++;
      return io.syncDir(at);
    },
  };
  const machine = { io: sharingBarriers(counting), sync };
  for (let turn = 0; turn < ROUNDS; turn++) {
    await withMachine(machine, () =>
      Promise.all(Array.from({ length: WRITERS }, (_, index) => holdfast.writeFile(path.join(dir, `counted-${index}`), bytes))),
    );
  }
  const perWrite = count / (ROUNDS * WRITERS);
  return {
    id: `directory syncs per write, ${WRITERS} at once`,
    value: round(perWrite, 3),
    unit: "",
    target: `< ${DIR_SYNCS_PER_WRITE_MAX}`,
    met: perWrite < DIR_SYNCS_PER_WRITE_MAX,
    details: { count, writes: ROUNDS * WRITERS },
    note: `${count} for ${ROUNDS * WRITERS} writes`,
  };
}
