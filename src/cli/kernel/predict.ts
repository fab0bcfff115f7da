/** What the simulator says a crash of a protocol can leave, to compare with what a kernel did leave. */
import { type SweepOptions, sweep } from "../../sim/index.ts";
import type { Sabotage } from "./controls.ts";
import type { FileSystemName } from "./file-systems.ts";
import type { Protocol } from "./protocols.ts";
import { type Tree, treeInSimulator } from "./tree.ts";

const DIR = "/r";

/** The keys of what was found after a crash: equal keys are one outcome. Single names where the order of requests varies. */
export function outcomeKeys({ unordered }: Pick<Protocol, "unordered">, tree: Tree, acknowledged: readonly string[]): string[] {
  const shown = [...tree].map(([name, text]) => `${name}=${text}`);
  if (!unordered) return [`${acknowledged.join(" ")} | ${shown.join(", ")}`];
  const told = (name: string): number => acknowledged.filter((one) => one === name).length;
  return [...tree].map(([name], index) => `${name} ${told(name)} | ${shown[index]}`);
}

/** All outcomes that a profile allows, and how many of them break a promise. */
export interface Prediction {
  readonly outcomes: ReadonlySet<string>;
  readonly violations: number;
}

/** Runs the protocol, as it is or with a barrier broken, through every crash in the simulator; or up to the first violation. */
export async function predict(
  protocol: Protocol,
  profile: FileSystemName | "strict",
  sabotage: Sabotage | undefined,
  untilFirst = false,
): Promise<Prediction> {
  if (protocol.predict) return await protocol.predict(profile);
  const outcomes = new Set<string>();
  const { recover } = protocol;
  const options: SweepOptions<string> = {
    profile,
    sabotage,
    untilFirst,
    setup: (disk) => {
      disk.makeDir(DIR);
      for (const [name, text] of Object.entries(protocol.before)) disk.writeFile(`${DIR}/${name}`, text);
    },
    run: ({ acknowledge }) => protocol.run(DIR, acknowledge),
    recover: recover && (() => recover(DIR)),
    depth: 1,
    check: ({ disk, acknowledged }) => {
      const tree = treeInSimulator(disk, DIR);
      for (const key of outcomeKeys(protocol, tree, acknowledged)) outcomes.add(key);
      const broken = protocol.check(tree, acknowledged);
      if (broken !== undefined) throw new TypeError(broken);
    },
  };
  const { violations } = await sweep<string>(options);
  return { outcomes, violations };
}
