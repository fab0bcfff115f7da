/** What no tracked file may carry, and what documents must be. */
import path from "node:path";
import type { Finding, Project } from "./project.ts";

function* matching(project: Project, files: RegExp, pattern: RegExp, reason: string): Generator<Finding> {
  for (const [file, text] of project.files) {
    if (!files.test(file)) continue;
    for (const [index, line] of text.split("\n").entries()) {
      const match = pattern.exec(line);
      if (match) yield `${file}:${index + 1}: ${reason}: ${match[0].trim()}`;
    }
  }
}

// Composed, so that this file does not break its own rules.
const LEFTOVER = new RegExp(`\\b(${["FIX" + "ME", "X" + "XX"].join("|")})\\b`);
const HOST = new RegExp(["registry\\.[a-z]+js\\.", "registry\\.yarnpkg", "npm\\.pkg\\.github", "deb\\.debian\\."].join("|"));
const MACHINE_PATH = new RegExp(`(?<![\\w.~-])/(${["work", "home", "root"].join("|")})(/|(?=["'\`\\s)]|$))`);

export function* leftovers(project: Project): Generator<Finding> {
  yield* matching(project, /^/, LEFTOVER, "unfinished work");
}

export function* ascii(project: Project): Generator<Finding> {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is the point
  yield* matching(project, /^(src|scripts|\.ci)\//, /[^\x00-\x7f]/, "not ASCII");
}

export function* machineTraces(project: Project): Generator<Finding> {
  yield* matching(project, /^/, HOST, "the name of a package host");
  yield* matching(project, /^/, MACHINE_PATH, "a path of somebody's machine");
  yield* matching(project, /package-lock\.json$/, /"resolved": *"/, "a download address in a lock file");
}

/** Exactly one `#` title, and relative links that lead somewhere. */
export function* documents(project: Project): Generator<Finding> {
  for (const [file, text] of project.files) {
    if (!file.endsWith(".md")) continue;
    const prose = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, (block) => block.replace(/[^\n]/g, ""));
    const titles = prose.split("\n").filter((line) => line.startsWith("# ")).length;
    if (titles !== 1) yield `${file}:1: ${titles} titles (lines starting with "# "), must be one`;
    for (const [index, line] of prose.split("\n").entries()) {
      for (const [, link = ""] of line.replace(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^([a-z]+:|#)/.test(link)) continue;
        const target = path.posix.join(path.posix.dirname(file), link.replace(/#.*/, ""));
        if (!exists(project, target)) yield `${file}:${index + 1}: the link leads nowhere: ${link}`;
      }
    }
  }
}

function exists({ files }: Project, target: string): boolean {
  const folder = target.endsWith("/") ? target : `${target}/`;
  return files.has(target) || [...files.keys()].some((file) => file.startsWith(folder));
}
