/**
 * The sweeps behind `holdfast prove`: Holdfast's own write protocols under every crash, and the same protocols with one
 * barrier broken, which have to fail: a proof that can't fail proves nothing.
 */
import { exchangeDirectory, mergeDirectory, publishDirectory, swapDirectory } from "./builtin-directories.ts";
import {
  create,
  createIfAbsent,
  createWithParents,
  replace,
  replaceLarge,
  severalInARow,
  sweepAfterCrash,
  tellAfterSync,
  tellWithoutSync,
  writeAfterCrash,
} from "./builtin-scenarios.ts";
import type { ProfileName } from "./profiles.ts";
import type { SweepReport } from "./report.ts";
import { SABOTAGE_NAMES } from "./sabotage.ts";
import type { SweepOptions } from "./scenario.ts";
import { sweep } from "./sweep.ts";

/** One sweep that comes with Holdfast. */
export interface BuiltinSweep {
  readonly name: string;
  readonly description: string;
  /** A negative control: it proves something only if it fails. */
  readonly expectViolations: boolean;
  readonly options: SweepOptions<string>;
}

/** What came of one. */
export interface BuiltinResult extends Pick<BuiltinSweep, "description" | "expectViolations" | "name"> {
  /** Whether it failed exactly if it had to. */
  readonly ok: boolean;
  readonly report: SweepReport;
}

const sound = (name: string, description: string, options: SweepOptions<string>): BuiltinSweep => ({
  name,
  description,
  expectViolations: false,
  options,
});

/** All of them, negative controls last. */
export const builtinSweeps: readonly BuiltinSweep[] = [
  sound("replace", "replace a file", replace),
  sound("replace-large", "replace a file by one of three blocks", replaceLarge),
  sound("create", "make a new file", create),
  sound("create-if-absent", "make a file only if there is none", createIfAbsent),
  sound("create-with-parents", "make a file and the directories above it", createWithParents),
  sound("several-in-a-row", "replace a file three times, acknowledging each", severalInARow),
  sound("sweep-after-crash", "crash, then remove what dead writers left; crash that too", sweepAfterCrash),
  sound("write-after-crash", "crash, then write again; crash that too", writeAfterCrash),
  sound("directory", "publish a directory, crash, then remove or finish what is left", publishDirectory),
  sound("directory-exchange", "replace a directory in one step", exchangeDirectory),
  sound("directory-two-steps", "replace a directory in two steps, under a journal", swapDirectory),
  sound("directory-file-by-file", "replace a directory file by file, under a journal", mergeDirectory),
  sound("tell-after-sync", "crash, sync what is found, then tell others of it; crash that too", tellAfterSync),
  ...SABOTAGE_NAMES.map((sabotage) => ({
    name: `control-${sabotage}`,
    description: `replace a file, broken on purpose: ${sabotage}`,
    expectViolations: true,
    options: { ...replace, sabotage },
  })),
  {
    name: "control-directory-no-sync",
    description: "replace a directory in two steps without a directory sync: broken on purpose",
    expectViolations: true,
    options: { ...swapDirectory, sabotage: "no-directory-sync" },
  },
  {
    name: "control-tell-without-sync",
    description: "crash, tell others of what is found without syncing it first: broken on purpose",
    expectViolations: true,
    options: tellWithoutSync,
  },
];

/**
 * Runs the built-in sweeps and tells of each when it is done.
 *
 * @param profile What a crash may do. Under `"kill"` nothing is lost, so most negative controls can't fail: it is refused.
 */
export async function runBuiltinSweeps(
  progress: (result: BuiltinResult) => void = () => {},
  { profile = "strict", seed = 1 }: { readonly profile?: Exclude<ProfileName, "kill">; readonly seed?: number } = {},
): Promise<readonly BuiltinResult[]> {
  const results: BuiltinResult[] = [];
  for (const { name, description, expectViolations, options } of builtinSweeps) {
    if ((options.profile ?? profile) !== profile) continue; // it is promised under its own profile only
    const report = await sweep({ ...options, profile, seed });
    const result = { name, description, expectViolations, ok: report.violations > 0 === expectViolations, report };
    results.push(result);
    progress(result);
  }
  return results;
}
