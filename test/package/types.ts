/** What TypeScript says to a strict user of the installed package. */
import path from "node:path";
import ts from "typescript";
import { ROOT } from "./npm.ts";

const STRICT: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
  typeRoots: [path.join(ROOT, "node_modules/@types")],
  types: ["node"],
};

/** Declarations of others, read once. */
const read = new Map<string, ts.SourceFile | undefined>();

/**
 * All errors in the user's files and in the declarations of the package. Those of TypeScript and Node are not checked by themselves:
 * that would take ten times as long.
 */
export function typeErrors(dir: string, files: readonly string[], options: ts.CompilerOptions): string[] {
  const all = { ...STRICT, ...options };
  const host = ts.createCompilerHost(all);
  host.getCurrentDirectory = () => dir;
  const { getSourceFile } = host;
  host.getSourceFile = (name, ...rest) => {
    const key = `${name} ${JSON.stringify(rest[0])}`;
    if (!read.has(key)) read.set(key, getSourceFile(name, ...rest));
    return read.get(key);
  };
  const program = ts.createProgram({ rootNames: files.map((file) => path.join(dir, file)), options: all, host });
  const checked = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(`${dir.split(path.sep).join("/")}/`));
  const own = checked.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]);
  const found = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics(), ...own];
  return found.map(({ file, messageText }) => `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`);
}
