/** What the generators and their loops cost by themselves: programs on a machine that answers every request at once. */
import { holdfast, replaceFile, run, runSync, withMachine } from "../library.mjs";
import { round, takeTurns } from "../measure.mjs";

const COMMITS_PER_ROUND = 2000;
const ROUNDS = 60;
const MICROSECONDS_MAX = 10;

const nothing = () => undefined;
const stat = (kind) => ({ kind, sizeBytes: 4096, mode: 0o644, userId: 0, groupId: 0, id: `1:${kind}`, links: 1, modifiedMs: 0 });
const file = stat("file");
const directory = stat("directory");
const traits = { lock: "kernel", replacesOpenFiles: true, userId: 0, foldName: (name) => name, refuseName: nothing };
const bytes16 = new Uint8Array(16);

/** Every request answered with a constant. */
const idle = {
  traits: () => traits,
  open: () => 3,
  read: () => 0,
  write: (_file, bytes) => bytes.length,
  syncFile: nothing,
  close: nothing,
  statFile: () => file,
  setMode: nothing,
  setOwner: nothing,
  tryLock: () => true,
  lstat: () => file,
  stat: () => directory,
  readLink: () => "",
  realPath: (path) => path,
  list: () => [],
  rename: nothing,
  link: nothing,
  unlink: nothing,
  makeDir: nothing,
  syncDir: () => true,
  fileSystem: () => ({ name: "ext4", local: true, persistent: true }),
  sleep: nothing,
  now: () => 0,
  random: () => bytes16,
};

const bytes = Buffer.alloc(4096);
const target = { dir: "/d", path: "/d/f" };
const finish = {
  attributes: { mode: undefined, existing: file },
  syncFile: true,
  barrier: true,
  ifAbsent: false,
  heldBudgetMs: 0,
  overtake: () => [],
};

export async function seam({ commitMs }) {
  const machine = { io: idle, sync: idle };
  const contenders = {
    sync() {
      for (let i = 0; i < COMMITS_PER_ROUND; i++) runSync(replaceFile(target, bytes, finish), idle);
    },
    async async() {
      for (let i = 0; i < COMMITS_PER_ROUND; i++) await run(replaceFile(target, bytes, finish), idle);
    },
    async call() {
      await withMachine(machine, async () => {
        for (let i = 0; i < COMMITS_PER_ROUND; i++) await holdfast.writeFile("/d/f", bytes);
      });
    },
  };
  const results = await takeTurns(contenders, { rounds: ROUNDS, warmUp: 10 });
  const microseconds = (name) => (results[name].ms * 1000) / COMMITS_PER_ROUND;
  const share = (us) => (commitMs ? `${round((us / 1000 / commitMs) * 100)} % of a durable commit` : "");
  const measured = (id, name, target) => {
    const us = microseconds(name);
    const details = { shareOfCommit: commitMs && us / 1000 / commitMs };
    return { id, value: round(us), unit: "us", target, met: target && us < MICROSECONDS_MAX, details, note: share(us) };
  };
  return [
    measured("replace program on an idle machine, sync", "sync", `< ${MICROSECONDS_MAX}`),
    measured("replace program on an idle machine, async", "async", `< ${MICROSECONDS_MAX}`),
    measured("whole writeFile call on an idle machine", "call", undefined),
  ];
}
