/** How a command learns where its outputs go: `{out}` in its arguments, and variables of its environment. */
import { InvalidArgumentError } from "commander";

const PLACEHOLDER = /\{out(\d*)\}/g;
const VARIABLE = /^HOLDFAST_OUT(_\d+)?$/;

/** Refuses a placeholder of an output that there is not. */
export function checkPlaceholders(command: readonly string[], outputCount: number): void {
  const names = placeholders(Array<string>(outputCount).fill(""));
  for (const [placeholder] of command.join("\0").matchAll(PLACEHOLDER)) {
    if (names.has(placeholder)) continue;
    const has = outputCount === 1 ? "there is one output" : `there are ${outputCount} outputs`;
    throw new InvalidArgumentError(`${placeholder} names no output: ${has}`);
  }
}

/** The command with the paths of its outputs. */
export function fillIn(command: readonly string[], paths: readonly string[]): string[] {
  const values = placeholders(paths);
  return command.map((argument) => argument.replace(PLACEHOLDER, (placeholder) => values.get(placeholder) ?? placeholder));
}

/** `{out}` is the first, as `{out1}`. */
function placeholders(paths: readonly string[]): ReadonlyMap<string, string> {
  const numbered = paths.map((path, index) => [`{out${index + 1}}`, path] as const);
  return new Map([["{out}", paths[0] ?? ""], ...numbered]);
}

/** The environment of the command: without the outputs of one that this runs in. */
export function environmentWith(paths: readonly string[], inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(inherited).filter(([name]) => !VARIABLE.test(name));
  const numbered = paths.map((path, index) => [`HOLDFAST_OUT_${index + 1}`, path] as const);
  return Object.fromEntries([...kept, ["HOLDFAST_OUT", paths[0]], ...numbered]);
}
