/** What `holdfast run` says at its end, all of it on standard error: standard output is its command's. */
import type { Ending } from "./ending.ts";
import { type Output, outputOf, reportFailure } from "./output.ts";
import type { Publication, Published } from "./publish-all.ts";
import { bytesText, countText } from "./table.ts";

/** A command that has ended. */
export interface Run {
  readonly command: string;
  readonly ending: Ending;
  readonly out: readonly string[];
  /** Undefined if the command has failed. */
  readonly publication: Publication | undefined;
}

/** What is at each path now. */
interface State {
  /** With what is known of each: only the path, if something failed after its commit. */
  readonly published: readonly (Published | Pick<Published, "path">)[];
  /** Old or new. */
  readonly unknown: readonly string[];
  readonly untouched: readonly string[];
}

/** Says how the command has ended and what was published. Nothing, if all went well and nobody looks. */
export function reportRun(run: Run, json: boolean): void {
  const output = outputOf(json, process.stderr);
  const state = stateOf(run);
  if (json) sayAsJson(output, run, state);
  else if (run.publication?.failure) {
    const { failure } = run.publication;
    reportFailure({ ...failure, message: `${failure.message}${inWords(state)}` }, false);
  } else if (!run.publication) output.line(`holdfast: ${run.command} ${endingText(run.ending)}${inWords(state)}`);
  else if (process.stderr.isTTY)
    for (const one of run.publication.published) output.line(`holdfast: published ${publishedText(one)}`);
}

function stateOf({ out, publication }: Run): State {
  const { published = [], failure } = publication ?? {};
  const rest = out.slice(published.length);
  const tried = failure && failure.outcome !== "unchanged" ? rest.slice(0, 1) : [];
  const committed = failure?.outcome === "committed" ? tried.map((path) => ({ path })) : [];
  return {
    published: [...published, ...committed],
    unknown: failure?.outcome === "unknown" ? tried : [],
    untouched: rest.slice(tried.length),
  };
}

function sayAsJson(output: Output, { ending, publication }: Run, state: State): void {
  const [exitCode, signal] = typeof ending === "number" ? [ending, null] : [null, ending];
  const { code, outcome, message, path } = publication?.failure ?? {};
  const error = code === undefined ? {} : { error: { code, outcome, message, path } };
  output.result({ type: "ran", exitCode, signal, ...state, ...error });
}

function inWords({ published, unknown, untouched }: State): string {
  const groups = {
    published: published.map(({ path }) => path),
    "old or new": unknown,
    "left untouched": untouched,
  };
  return Object.entries(groups)
    .filter(([, paths]) => paths.length > 0)
    .map(([words, paths]) => `; ${words}: ${paths.join(", ")}`)
    .join("");
}

function endingText(ending: Ending): string {
  return typeof ending === "number" ? `ended with exit code ${ending}` : `was ended by ${ending}`;
}

function publishedText({ path, kind, fileCount, sizeBytes, durability }: Published): string {
  const files = kind === "directory" ? `${countText(fileCount)} ${fileCount === 1 ? "file" : "files"}, ` : "";
  return `${path} (${files}${bytesText(sizeBytes)}, ${durability})`;
}
