/** Form of a module: what keeps names greppable, types erasable, and the package loadable by require() and bundlers. */
import ts from "typescript";
import { type Finding, finding, layerOf, type Project, walk, walkHere } from "./project.ts";

export function* moduleForm(project: Project): Generator<Finding> {
  for (const source of project.code("src/")) {
    for (const node of walk(source)) {
      const reason = formAt(node);
      if (reason) yield finding(node, reason);
    }
    if (layerOf(source.fileName) === "cli") continue;
    for (const node of walk(source)) {
      if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword)
        yield finding(node, "import.meta: bundles to CommonJS lack it");
    }
    for (const node of walkHere(source)) {
      const awaits = ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined);
      if (awaits) yield finding(node, "top-level await: require() can't load it");
    }
  }
}

function formAt(node: ts.Node): string | undefined {
  if (ts.isExportAssignment(node) && !node.isExportEquals) return "default export: give it a name";
  if (node.kind === ts.SyntaxKind.DefaultKeyword && ts.isModifier(node)) return "default export: give it a name";
  if (ts.isExportDeclaration(node) && !node.exportClause) return "export *: name what is exported";
  if (ts.isEnumDeclaration(node)) return "enum: use a union of strings";
  if (ts.isModuleDeclaration(node)) return "namespace: use a module";
  if (ts.isParameter(node) && node.modifiers?.length) return "parameter property: declare the field";
  return undefined;
}

const FILE_LINES_MAX = 500;
const FILE_LINES_MEDIAN_MAX = 100;
const FILE_LINES_P90_MAX = 300;
const FUNCTION_LINES_MAX = 70;

export function* sizes(project: Project): Generator<Finding> {
  for (const source of project.code("src/", "test/", "scripts/", "bench/")) {
    const lines = linesOf(source);
    if (lines > FILE_LINES_MAX) yield `${source.fileName}:1: ${lines} lines, at most ${FILE_LINES_MAX}`;
  }
  const sources = project.code("src/");
  const all = sources.map(linesOf).sort((a, b) => a - b);
  for (const [share, max] of [
    [0.5, FILE_LINES_MEDIAN_MAX],
    [0.9, FILE_LINES_P90_MAX],
  ] as const) {
    const lines = all[Math.ceil(all.length * share) - 1] ?? 0;
    if (lines > max) yield `src:1: ${share * 100} % of the files are to have at most ${max} lines, but it takes ${lines}`;
  }
  for (const node of sources.flatMap((source) => [...walk(source)])) {
    if (!ts.isFunctionLike(node) || !("body" in node) || !node.body) continue;
    const source = node.getSourceFile();
    const lineAt = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
    const lines = lineAt(node.end) - lineAt(node.getStart(source)) + 1;
    if (lines > FUNCTION_LINES_MAX) yield finding(node, `a function of ${lines} lines, at most ${FUNCTION_LINES_MAX}`);
  }
}

function linesOf(source: ts.SourceFile): number {
  return source.text.trimEnd().split("\n").length;
}
