/** Only `src/io` touches the machine; the command line, a program of its own, may too. */
import ts from "typescript";
import { importsOf } from "./imports.ts";
import { type Finding, finding, layerOf, type Project, walk } from "./project.ts";

const MODULES =
  /^(node:)?(fs|fs\/promises|os|child_process|worker_threads|timers|timers\/promises|async_hooks|process|perf_hooks)$/;
/** Free names, as calls or values. */
const NAMES = new Set(["setTimeout", "setInterval", "setImmediate"]);
/** Members of ambient objects. */
const MEMBERS: Readonly<Record<string, RegExp>> = {
  process: /^(platform|arch|env|argv|pid|cwd|hrtime|exit|exitCode|stdin|stdout|stderr|umask|geteuid|getuid)$/,
  Date: /^now$/,
  performance: /^/,
  Math: /^random$/,
  AbortSignal: /^timeout$/,
  crypto: /^(random|getRandom)/,
};
const RANDOM = /^(randomBytes|randomUUID|randomInt|randomFill|randomFillSync|getRandomValues|webcrypto)$/;

export function* seam(project: Project): Generator<Finding> {
  for (const source of project.code("src/")) {
    if (["io", "cli"].includes(layerOf(source.fileName))) continue;
    for (const { node, specifier, names } of importsOf(source)) {
      if (MODULES.test(specifier)) yield finding(node, `${specifier} outside src/io`);
      if (/^(node:)?crypto$/.test(specifier) && (names ?? []).some((name) => RANDOM.test(name)))
        yield finding(node, "a source of random outside src/io");
    }
    for (const node of walk(source)) {
      const ambient = ambientAt(node);
      if (ambient) yield finding(node, `${ambient} outside src/io: yield a request instead`);
    }
  }
}

function ambientAt(node: ts.Node): string | undefined {
  if (ts.isNewExpression(node) && node.expression.getText() === "Date" && !node.arguments?.length) return "new Date()";
  if (ts.isIdentifier(node) && NAMES.has(node.text) && !isMemberName(node)) return node.text;
  const member = memberOf(node);
  return member && MEMBERS[member.object]?.test(member.name) ? `${member.object}.${member.name}` : undefined;
}

function memberOf(node: ts.Node): { object: string; name: string } | undefined {
  if (ts.isPropertyAccessExpression(node)) return { object: lastName(node.expression), name: node.name.text };
  if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression)) {
    return { object: lastName(node.expression), name: node.argumentExpression.text };
  }
  return undefined;
}

/** `process` of `globalThis.process`. */
function lastName(node: ts.Expression): string {
  return node.getText().replace(/^globalThis\./, "");
}

/** `setTimeout` in `socket.setTimeout` or `{ setTimeout: ... }` is another thing; one that is imported has been found. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node && parent.expression.getText() !== "globalThis";
  if (ts.isImportSpecifier(parent)) return true;
  return (
    (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodDeclaration(parent)) && parent.name === node
  );
}
