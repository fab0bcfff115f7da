/** Lines of a report: requests, contents, names. */
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
  const ids = new Map<string, number>();
  return text.replace(/(\.holdfast-[a-z-]*?)((?:unlocked-)?[0-9a-hjkmnp-tv-z]{26})/g, (_, start: string, id: string) => {
    if (!ids.has(id)) ids.set(id, ids.size + 1);
    return `${start}${ids.get(id)}`;
  });
}
