/**
 * The program that the demo kills: saves files with one contender, and tells on standard output what was acknowledged.
 * The same for every contender. Its one argument is a {@link WriterJob}.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { CONTENDERS, type Save } from "../contenders.ts";
import { stamp } from "../stamp.ts";
import type { WriterJob } from "../writer-job.ts";

const FILES_AT_ONCE = 4;

/** At once and in order, so that what was acknowledged is known even if the process dies in the next moment. */
function say(line: string): void {
  fs.writeSync(1, `${line}\n`);
}

/**
 * A full disk gives an error and no signal. So the signal of the limit that stands in for it, which Node ignores, stays
 * ignored: the exit hooks of some libraries would take it for the end of the process.
 */
function ignoreLimitSignal(): void {
  for (const name of ["on", "once", "addListener"] as const) {
    const add = process[name] as (event: string, listener: () => void) => NodeJS.Process;
    const unlessLimit: typeof add = (event, listener) => (event === "SIGXFSZ" ? process : add.call(process, event, listener));
    Object.assign(process, { [name]: unlessLimit });
  }
}

async function saveOne(save: Save, { from, to }: { readonly from: string; readonly to: string }): Promise<void> {
  try {
    await save(to, fs.readFileSync(from));
    say("saved");
  } catch (error) {
    say(`error ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** Each round saves every file once, a few at a time; versions rise, so each file's last acknowledged one is known. */
async function saveAll(save: Save, job: Extract<WriterJob, { readonly kind: "rounds" }>): Promise<void> {
  const names = JSON.parse(fs.readFileSync(job.namesFile, "utf8")) as string[];
  let version = job.firstVersion;
  for (let round = 0; round < job.rounds; round++) {
    const queue = job.order.values();
    const worker = async (): Promise<void> => {
      for (let next = queue.next(); !next.done; next = queue.next()) {
        const index = next.value;
        const name = names[index] ?? "";
        const bytes = stamp(++version, fs.readFileSync(path.join(job.from, String(index))));
        const saved = version;
        await save(path.join(job.to, name), bytes);
        say(`${index} ${saved} ${bytes.length}`);
      }
    };
    await Promise.all(Array.from({ length: FILES_AT_ONCE }, worker));
  }
}

const job = JSON.parse(process.argv[2] ?? "{}") as WriterJob;
const contender = CONTENDERS.find(({ name }) => name === job.contender);
if (!contender) throw new TypeError(`unknown contender ${job.contender}`);
ignoreLimitSignal();
const save = await contender.load();
say("ready");
await (job.kind === "one" ? saveOne(save, job) : saveAll(save, job));
