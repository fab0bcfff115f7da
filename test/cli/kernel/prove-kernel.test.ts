/** `holdfast prove --kernel` on this machine's kernel: it finds what it has to find, and leaves nothing behind. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { kernelNeeds } from "../../../dist/cli/kernel/needs.js";
import { runTrials } from "../../../dist/cli/kernel/run-trials.js";
import type { Trial } from "../../../dist/cli/kernel/trial.js";
import { deep, needsWide } from "../../support/deep.ts";
import { assertForPeople, holdfast, jsonLine, type Running, start } from "../command.ts";

const { all, fileSystems } = kernelNeeds();
const skip = all ?? fileSystems.ext4 ?? false;
/** What is waited for tells nobody when it is there. */
const POLL_MS = 10;

/** Loop devices over files of ours, with these files: their names are drawn, so each is one of a kind. */
const loops = (): string[] => {
  const { stdout } = spawnSync("losetup", ["-n", "-O", "NAME,BACK-FILE"], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line.includes("/trial-"));
};

/** The processes below `pid`. */
function processesBelow(pid: number | undefined): number[] {
  const { stdout } = spawnSync("ps", ["-e", "-o", "pid=,ppid="], { encoding: "utf8" });
  const pairs = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const children = (parent: number | undefined): number[] =>
    pairs.filter((pair) => pair[1] === parent).map(([child = 0]) => child);
  const below = children(pid);
  return [...below, ...below.flatMap(processesBelow)];
}

/** When it was started: a process id alone may have become somebody else's. */
function startedAt(pid: number): string | undefined {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ")[19];
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

/** Resolves at the first trial that is done. */
async function atWork({ child, ended }: Running): Promise<void> {
  let said = "";
  child.stderr?.on("data", (text: string) => {
    said += text;
  });
  while (!/ [1-9]\d*\/\d+,/.test(said)) {
    const heard = await Promise.race([once(child.stderr as NonNullable<typeof child.stderr>, "data"), ended]);
    assert.ok(Array.isArray(heard), `ended early: ${said}`);
  }
}

/** What there is in the middle of a trial: between two of them there is no device. */
async function inTrial({ child }: Running): Promise<{ before: (readonly [number, string | undefined])[]; devices: string[] }> {
  for (;;) {
    assert.equal(child.exitCode, null, "it ended before it was seen at work");
    const devices = loops();
    const before = processesBelow(child.pid).map((pid) => [pid, startedAt(pid)] as const);
    if (before.length > 1 && devices.length > 0) return { before, devices };
    await pause(POLL_MS);
  }
}

describe("holdfast prove --kernel", { skip }, () => {
  it("finds a sound protocol sound and a broken one broken, and the simulator knows all that it sees", async () => {
    const only = ({ fileSystem, protocol, control, method }: Trial): boolean =>
      fileSystem === "ext4" && protocol === "create" && method === "images" && control !== "rename-before-sync";
    const { results, skipped } = await runTrials({ long: false, seed: 1, signal: new AbortController().signal, only });
    assert.deepEqual(skipped, []);
    assert.deepEqual(
      results.map(({ control }) => control),
      [undefined, "no-file-sync", "no-directory-sync"],
    );
    for (const { control, ok, images, violations, outside, seen, classes } of results) {
      assert.ok(ok, `${control}: ${JSON.stringify(classes)}`);
      assert.deepEqual(outside, []);
      assert.ok(images >= 20 && seen > 1);
      assert.equal(violations > 0, control !== undefined);
    }
  });

  for (const signal of deep ? (["SIGINT", "SIGTERM", "SIGKILL"] as const) : (["SIGKILL"] as const)) {
    it(`leaves no mount, loop device or process after ${signal}`, { skip: needsWide }, async () => {
      const running = start(["prove", "--kernel"]);
      running.child.stdin?.end();
      await atWork(running);
      const { before, devices } = await inTrial(running);
      running.child.kill(signal);
      const ended = await running.ended;
      assertForPeople(ended);
      if (signal !== "SIGKILL") assert.deepEqual([ended.code, ended.signal], [130, null]);
      // The system ends the last process, and with it the mounts, by itself: as long as the test may take.
      while (before.some(([pid, started]) => started !== undefined && startedAt(pid) === started)) await pause(POLL_MS);
      while (loops().some((device) => devices.includes(device))) await pause(POLL_MS);
      assert.doesNotMatch(fs.readFileSync("/proc/self/mounts", "utf8"), /\/trial-/);
      assert.deepEqual(
        fs.readdirSync("/dev/shm").filter((name) => name.startsWith("trial-")),
        [],
      );
    });
  }
});

it("says what is missing on a machine where nothing can be tried", async () => {
  const ended = await holdfast(["prove", "--kernel"], "", { env: { PATH: "/nowhere" } });
  assert.deepEqual([ended.code, ended.stdout], [1, ""]);
  assertForPeople(ended);
  assert.match(ended.stderr, /^holdfast: nothing can be tried on this machine: it needs [^\n]+\n$/);
  const json = await holdfast(["prove", "--kernel", "--json"], "", { env: { PATH: "/nowhere" } });
  assert.deepEqual([json.code, json.stdout, jsonLine(json.stderr)["code"]], [1, "", "UNSUPPORTED"]);
});
