/** What real processes leave when they are killed, for a doctor to find. */
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { type DiagnoseOptions, type Diagnosis, diagnose, type Finding } from "holdfast/doctor";
import { type Child, startChild } from "../support/child.ts";

/** Everything that a process can have in progress, in `dir`. It lives until it is killed. */
export async function startHolder(t: TestContext, dir: string): Promise<Child<void>> {
  fs.mkdirSync(path.join(dir, "sub"));
  const child = startChild<string, void>(async ({ hf, locks, path, say, heard }, dir) => {
    const file = await hf.stageFile(path.join(dir, "file"));
    await file.write("12345");
    const directory = await hf.stageDirectory(path.join(dir, "sub/directory"));
    await directory.writeFile("below/a", "1234567");
    const output = await hf.stageOutput(path.join(dir, "output"));
    process.getBuiltinModule("node:fs").writeFileSync(output.path, "123");
    await locks.acquireLock(path.join(dir, "held.lock"));
    await (await locks.acquireLock(path.join(dir, "free.lock"))).release();
    say("holds");
    await heard();
  }, dir);
  t.after(() => child.kill());
  assert.equal(await child.next(), "holds");
  return child;
}

/** How a commit in several steps is done, and after how many of them its process is killed. */
export type Interrupted = "file-by-file" | "two-step";

/** A directory whose replacement was interrupted by a kill. Its old content: `a` and `b` with "old"; its new: with "new". */
export async function interruptCommit(dir: string, way: Interrupted): Promise<string> {
  const target = path.join(dir, "site");
  fs.mkdirSync(target);
  for (const name of ["a", "b"]) fs.writeFileSync(path.join(target, name), "old");
  const { process: child } = startChild<{ target: string; way: Interrupted }, void>(
    async ({ hf, fs, machines }, { target, way }) => {
      let puts = 0;
      const machine = machines.wrapped((call, proceed) => {
        if (call.op === "exchange") {
          if (way === "two-step") return false;
          throw machines.systemError("EXDEV", "renameat2");
        }
        if (call.op !== "rename") return proceed();
        const [, to] = call.args;
        const between =
          way === "two-step" ? to === target && !fs.existsSync(target) : to.startsWith(`${target}/`) && ++puts === 2;
        return between ? process.kill(process.pid, "SIGKILL") : proceed();
      });
      await machines.withMachine(machine, async () => {
        const staged = await hf.stageDirectory(target, { replace: true });
        for (const name of ["a", "b"]) await staged.writeFile(name, "new");
        await staged.commit();
      });
    },
    { target, way },
  );
  assert.deepEqual(await once(child, "exit"), [null, "SIGKILL"]);
  return target;
}

/** The files of a directory with their content; undefined if it is not there. */
export function contentOf(dir: string): Record<string, string> | undefined {
  if (!fs.existsSync(dir)) return undefined;
  return Object.fromEntries(fs.readdirSync(dir).map((name) => [name, fs.readFileSync(path.join(dir, name), "utf8")]));
}

/** Every object below a directory with all that can change of it. */
export function snapshot(dir: string): string[] {
  const names = (fs.readdirSync(dir, { recursive: true }) as string[]).sort();
  return names.map((name) => {
    const { ino, mode, size, mtimeMs, ctimeMs, nlink } = fs.lstatSync(path.join(dir, name));
    return [name, ino, mode, size, mtimeMs, ctimeMs, nlink].join(" ");
  });
}

/** A diagnosis with its findings, by kind. */
export async function findings(
  dir: string,
  options: DiagnoseOptions = {},
): Promise<Diagnosis & { readonly all: readonly Finding[]; readonly by: (kind: string) => Finding }> {
  const all: Finding[] = [];
  const diagnosis = await diagnose(dir, { ...options, onFinding: (finding) => void all.push(finding) });
  const by = (kind: string): Finding => {
    const found = all.filter((finding) => finding.kind === kind);
    assert.equal(found.length, 1, `${found.length} of ${kind}: ${JSON.stringify(all)}`);
    return found[0] as Finding;
  };
  return { ...diagnosis, all, by };
}

/** Repairs what is in `dir`, without failure, and notes what had to be done. */
export async function repairAll(dir: string, repairs: Set<string>): Promise<void> {
  const onFinding = ({ repair, repaired, error }: Finding): void => {
    assert.equal(error, undefined);
    if (repaired) repairs.add(repair);
  };
  await diagnose(dir, { repair: true, onFinding });
}
