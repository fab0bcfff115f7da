/** Lines of a report: requests, contents, names. */
import { STAGE_PREFIX } from "../format/names.ts";
import type { Step } from "./log.ts";
import { printContent } from "./trace.ts";
import { readBytes, type Volume } from "./volume.ts";

/** One request and how it went. */
export function stepLine({ number, process, op, text, result, note }: Step): string {
  const outcome = [result ? `= ${result}` : "", note ? `(${note})` : ""].filter((part) => part !== "").join(" ");
  return `  ${String(number).padStart(4)}  ${process.padEnd(9)} ${op.padEnd(10)} ${text}  ${outcome}`.trimEnd();
}

/** Every object with its content. */
export function volumeLines(volume: Volume): string[] {
  return [...volume.walk()].map(({ path, inode }) => {
    if (inode.kind === "directory") return `  ${path === "/" ? "/" : `${path}/`}`;
    return `  ${path}  ${inode.kind === "symlink" ? `-> ${inode.text}` : printContent(readBytes(inode, 0, inode.sizeBytes))}`;
  });
}

/** Random names say nothing: each is numbered instead. */
export function withShortNames(text: string): string {
  const names = new Map<string, string>();
  return text.replace(new RegExp(`${STAGE_PREFIX}(?:unlocked-)?[0-9a-z]{26}`, "g"), (name) => {
    const short = names.get(name) ?? `${STAGE_PREFIX}${names.size + 1}`;
    names.set(name, short);
    return short;
  });
}
