/**
 * The job that the demo kills: 300 steps, each of which adds a row to its state, and then saves the state. It takes up what it
 * finds, and begins with nothing where it finds nothing. Arguments: how it saves, and a directory.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { Checkpoint } from "../../../checkpoint/index.ts";

const STEPS = 300;
/** So long that a state is what a real one is: some megabytes. */
const ROW = "0123456789abcdef".repeat(1024);

interface State {
  readonly rows: string[];
}

/** How a job keeps its state. */
interface Keeper {
  readonly load: () => Promise<State | undefined>;
  readonly save: (state: State) => Promise<unknown>;
}

const [, , kind, dir = "."] = process.argv;

/** As most programs have it: what can't be parsed is as good as nothing. */
function inPlace(file: string): Keeper {
  return {
    load: async () => {
      try {
        return JSON.parse(fs.readFileSync(file, "utf8")) as State;
      } catch (error) {
        void error;
        return undefined;
      }
    },
    save: async (state) => fs.writeFileSync(file, JSON.stringify(state)),
  };
}

async function checkpointed(): Promise<Keeper> {
  const checkpoint = await Checkpoint.open<State>(path.join(dir, "job"));
  return {
    load: async () => {
      const found = await checkpoint.load();
      return found.status === "absent" ? undefined : found.state;
    },
    save: (state) => checkpoint.save(state, { progress: { done: state.rows.length, total: STEPS } }),
  };
}

async function work(): Promise<void> {
  const keeper = kind === "holdfast" ? await checkpointed() : inPlace(path.join(dir, "job.json"));
  const state = (await keeper.load()) ?? { rows: [] };
  fs.writeSync(1, `from ${state.rows.length}\n`);
  while (state.rows.length < STEPS) {
    state.rows.push(`${ROW}${state.rows.length}`);
    await keeper.save(state);
    fs.writeSync(1, `saved ${state.rows.length}\n`);
  }
}

await work();
