/** What the compiler lets pass in programs (src/io/program.ts) and what would break them. */
import ts from "typescript";
import { type Finding, finding, layerOf, type Project, walk, walkHere } from "./project.ts";

/** A program that is made and not driven does nothing: a barrier is lost without a word. */
export function* floatingPrograms(project: Project): Generator<Finding> {
  const { sources, checker } = project.typed;
  for (const source of sources) {
    for (const node of walk(source)) {
      for (const dropped of droppedAt(node, checker)) {
        if (isGenerator(checker.getTypeAtLocation(dropped))) {
          yield finding(dropped, `${dropped.getText().split("(")[0]}(...) is dropped and never runs: yield* is missing`);
        }
      }
    }
  }
}

/** Expressions whose value nobody uses. */
function droppedAt(node: ts.Node, checker: ts.TypeChecker): ts.Expression[] {
  if (ts.isExpressionStatement(node)) return unused(node.expression);
  if (ts.isVoidExpression(node)) return unused(node.expression);
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.CommaToken) return unused(node.left);
  if (ts.isArrowFunction(node) && !ts.isBlock(node.body) && returnsNothing(node, checker)) return unused(node.body);
  return [];
}

function unused(node: ts.Expression): ts.Expression[] {
  if (ts.isParenthesizedExpression(node)) return unused(node.expression);
  if (ts.isConditionalExpression(node)) return [...unused(node.whenTrue), ...unused(node.whenFalse)];
  if (ts.isBinaryExpression(node) && /^(&&|\|\||\?\?|,)$/.test(node.operatorToken.getText())) return unused(node.right);
  if (ts.isBinaryExpression(node)) return []; // an assignment keeps it
  return [node];
}

/** `list.forEach((file) => close(file))`. */
function returnsNothing(node: ts.ArrowFunction, checker: ts.TypeChecker): boolean {
  const signatures = checker.getContextualType(node)?.getCallSignatures() ?? [];
  return signatures.some((signature) => (signature.getReturnType().flags & ts.TypeFlags.Void) !== 0);
}

function isGenerator(type: ts.Type): boolean {
  return type.isUnion() ? type.types.some(isGenerator) : type.getSymbol()?.name === "Generator";
}

/** A `yield` there would run, or hang, when a program is abandoned by a simulated crash. */
export function* yieldInFinally(project: Project): Generator<Finding> {
  for (const source of project.code("src/")) {
    for (const node of walk(source)) {
      if (!ts.isTryStatement(node) || !node.finallyBlock) continue;
      for (const inside of walkHere(node.finallyBlock)) {
        if (ts.isYieldExpression(inside)) yield finding(inside, "yield in finally: use ensure() or onFailure()");
      }
    }
  }
}

/** The commit programs run in two loops and a simulator: none of them has promises. */
export function* asyncInCore(project: Project): Generator<Finding> {
  for (const source of project.code("src/core/")) {
    for (const node of walk(source)) {
      const isAsync =
        node.kind === ts.SyntaxKind.AsyncKeyword || node.kind === ts.SyntaxKind.AwaitKeyword || ts.isAwaitExpression(node);
      if (isAsync || (ts.isIdentifier(node) && node.text === "Promise"))
        yield finding(node, "async, await and Promise have no place in src/core");
    }
  }
}

/** A program, like all else, looks at what it catches. */
export function* blindCatch(project: Project): Generator<Finding> {
  for (const source of project.code("src/")) {
    for (const node of walk(source)) {
      if (!ts.isCatchClause(node)) continue;
      const name = node.variableDeclaration?.name;
      if (!name) yield finding(node, "bare catch: it would swallow a bug of ours too");
      else if (
        ts.isIdentifier(name) &&
        ![...walk(node.block)].some((inside) => ts.isIdentifier(inside) && inside.text === name.text)
      ) {
        yield finding(node, `catch never looks at ${name.text}`);
      }
    }
  }
}

/** Where untyped errors may be made: the one class, and the simulator's imitation of the system's errors. */
const MAY_MAKE_ERRORS = ["src/errors.ts", "src/sim/system-error.ts"];

export function* untypedErrors(project: Project): Generator<Finding> {
  for (const source of project.code("src/")) {
    if (MAY_MAKE_ERRORS.includes(source.fileName)) continue;
    for (const node of walk(source)) {
      if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && /^(Aggregate)?Error$/.test(node.expression.getText())) {
        yield finding(node, "untyped error: use HoldfastError, or TypeError and RangeError for wrong arguments");
      }
    }
  }
}

export function* consoleOutsideCli(project: Project): Generator<Finding> {
  for (const source of project.code("src/")) {
    if (layerOf(source.fileName) === "cli") continue;
    for (const node of walk(source)) {
      if (ts.isIdentifier(node) && node.text === "console") yield finding(node, "console outside src/cli");
    }
  }
}
