/** Who imports what: layers, declared packages, dead files and dead exports. */
import { builtinModules } from "node:module";
import path from "node:path";
import ts from "typescript";
import { type Finding, finding, layerOf, type Project, walk } from "./project.ts";

/** The table of docs/ARCHITECTURE.md, lowest first. A folder imports only rows below its own. */
const ROWS: readonly (readonly string[])[] = [
  ["errors"],
  ["util"],
  ["io", "format"],
  ["core"],
  ["lock"],
  ["file", "dir", "tx", "log"],
  ["store"],
  ["checkpoint", "blob", "cache", "recording", "tiles"],
  ["doctor"],
  ["index"],
  ["cli"],
];
const ROW_OF = new Map(ROWS.flatMap((folders, row) => folders.map((folder) => [folder, row] as const)));
/** From this row upward a folder is entered through its index.ts only. */
const ROW_WITH_FACE = ROWS.findIndex((row) => row.includes("lock"));
const SIM_MAY_IMPORT = ["errors", "util", "io", "core", "format"];
/** A command line sees what users see. */
const CLI_MAY_NOT_IMPORT = ["io", "core", "format"];

export interface Import {
  readonly node: ts.Node;
  readonly specifier: string;
  /** Path from the root, of the source file that is meant; undefined for packages and builtins. */
  readonly target: string | undefined;
  /** Undefined: all that there is (a namespace, or an import at run time). */
  readonly names: readonly string[] | undefined;
  readonly isStatic: boolean;
}

/** Imports, re-exports, `import()`, `import("x").T`, `require()` and `process.getBuiltinModule()` of one file. */
export function* importsOf(source: ts.SourceFile): Generator<Import> {
  for (const node of walk(source)) {
    const found = importAt(node);
    if (!found) continue;
    const [specifier, names, isStatic] = found;
    yield { node, specifier, target: resolve(source.fileName, specifier), names, isStatic };
  }
}

function importAt(node: ts.Node): [specifier: string, names: readonly string[] | undefined, isStatic: boolean] | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return [node.moduleSpecifier.text, importedNames(node.importClause), true];
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
    const { exportClause } = node;
    const names = exportClause && ts.isNamedExports(exportClause) ? exportClause.elements.map(sourceName) : undefined;
    return [node.moduleSpecifier.text, names, true];
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return [node.argument.literal.text, undefined, false];
  }
  if (!ts.isCallExpression(node)) return undefined;
  const [argument] = node.arguments;
  if (!argument || !ts.isStringLiteral(argument)) return undefined;
  const callee = node.expression.kind === ts.SyntaxKind.ImportKeyword ? "import" : node.expression.getText();
  return /^(import|require|process\.getBuiltinModule)$/.test(callee) ? [argument.text, undefined, false] : undefined;
}

function importedNames(clause: ts.ImportClause | undefined): string[] | undefined {
  const bindings = clause?.namedBindings;
  if (bindings && ts.isNamespaceImport(bindings)) return undefined;
  return [...(clause?.name ? ["default"] : []), ...(bindings?.elements.map(sourceName) ?? [])];
}

function sourceName({ propertyName, name }: ts.ImportSpecifier | ts.ExportSpecifier): string {
  return (propertyName ?? name).text;
}

/** Tests import what they test from `dist`; what is meant is in `src`. */
function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const target = path.posix.join(path.posix.dirname(from), specifier);
  return toSource(target);
}

function toSource(file: string): string {
  const source = file.replace(/^(\.\/)?dist\//, "src/");
  return source.startsWith("src/") ? source.replace(/(?<!\.d)\.([cm]?)js$/, ".$1ts") : source;
}

export function* layers(project: Project): Generator<Finding> {
  for (const source of project.code("src/")) {
    const from = layerOf(source.fileName);
    if (from !== "sim" && !ROW_OF.has(from))
      yield `${source.fileName}:1: ${from} is not in the layer table of test/tidy/imports.ts`;
    for (const { node, target } of importsOf(source)) {
      const reason = target?.startsWith("src/") ? wrongWay(from, target) : undefined;
      if (reason) yield finding(node, reason);
    }
  }
}

function wrongWay(from: string, target: string): string | undefined {
  const to = layerOf(target);
  if (to === from) return undefined;
  const throughFace = target.endsWith("/index.ts");
  if (to === "sim") {
    if (from !== "cli") return "library code must not import sim";
    return throughFace ? undefined : `enter sim through sim/index.ts, not ${target}`;
  }
  if (from === "sim") return SIM_MAY_IMPORT.includes(to) ? undefined : `sim must not import ${to}`;
  const [fromRow = -1, toRow = Number.POSITIVE_INFINITY] = [ROW_OF.get(from), ROW_OF.get(to)];
  if (toRow >= fromRow) return `${from} must not import ${to}: it is not below it`;
  if (from === "cli" && CLI_MAY_NOT_IMPORT.includes(to)) return `cli must not import ${to}: it sees what users see`;
  if (toRow >= ROW_WITH_FACE && target.includes("/", "src/".length) && !throughFace)
    return `enter ${to} through ${to}/index.ts, not ${target}`;
  return undefined;
}

/** Imported packages are declared in the right section, optional ones loaded at need, and declared ones imported. */
export function* packages(project: Project): Generator<Finding> {
  const { dependencies = {}, optionalDependencies, peerDependencies, devDependencies = {} } = project.manifest;
  const optional = { ...optionalDependencies, ...peerDependencies }; // our peers are all optional
  const imported = new Set<string>();
  for (const source of project.code("src/", "test/", "scripts/")) {
    const isLibrary = source.fileName.startsWith("src/");
    for (const { node, specifier, isStatic } of importsOf(source)) {
      const name = packageName(specifier);
      if (name === undefined) continue;
      if (isLibrary) imported.add(name);
      if (name in optional) {
        if (isLibrary && isStatic) yield finding(node, `${name} is optional: load it at its first use, not with the module`);
      } else if (!(name in dependencies) && (isLibrary || !(name in devDependencies))) {
        yield finding(node, `${name} is not declared in package.json as a dependency${isLibrary ? "" : " or dev dependency"}`);
      }
    }
  }
  for (const name of Object.keys({ ...dependencies, ...optional })) {
    if (!imported.has(name)) yield `package.json:1: nothing in src imports the dependency ${name}`;
  }
}

/** Undefined for relative paths, builtins and the package itself. */
function packageName(specifier: string): string | undefined {
  const name = /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  if (/^(\.|node:)/.test(specifier) || builtinModules.includes(name) || name === "holdfast") return undefined;
  return name;
}

/** The source files that package.json names: their exports are the public API. */
function entryPoints({ manifest }: Project): Set<string> {
  const exported = Object.values(manifest.exports ?? {}).map((entry) => (typeof entry === "string" ? entry : entry.default));
  return new Set([...exported, ...Object.values(manifest.bin ?? {})].map((file) => toSource(path.posix.normalize(file))));
}

/** Files of `src` that nobody imports. */
export function* deadFiles(project: Project): Generator<Finding> {
  const entries = entryPoints(project);
  const sources = project.code("src/");
  const imported = new Set(sources.flatMap((source) => [...importsOf(source)].map(({ target }) => target)));
  for (const { fileName } of sources) {
    if (!imported.has(fileName) && !entries.has(fileName) && !/\/(index|main)\.ts$/.test(fileName)) {
      yield `${fileName}:1: dead file: nothing in src imports it`;
    }
  }
}

/** Exports of `src` that no other file imports and that are not public. A type counts as used by a signature beside it. */
export function* deadExports(project: Project): Generator<Finding> {
  const entries = entryPoints(project);
  const used = new Set<string>();
  for (const source of project.code("src/", "test/", "scripts/", "bench/")) {
    for (const { target, names } of importsOf(source)) for (const name of names ?? ["*"]) used.add(`${target} ${name}`);
  }
  for (const source of project.code("src/")) {
    const { fileName } = source;
    if (entries.has(fileName) || used.has(`${fileName} *`)) continue;
    for (const { node, name, isType } of exportsOf(source)) {
      if (used.has(`${fileName} ${name}`) || (isType && isNamedTwice(source, name))) continue;
      yield finding(node, `dead export: nobody imports ${name}`);
    }
  }
}

interface Export {
  readonly node: ts.Node;
  readonly name: string;
  readonly isType: boolean;
}

function* exportsOf(source: ts.SourceFile): Generator<Export> {
  for (const node of source.statements) {
    if (ts.isExportDeclaration(node) && node.exportClause && ts.isNamedExports(node.exportClause)) {
      for (const element of node.exportClause.elements) yield { node: element, name: element.name.text, isType: false };
    }
    if (!ts.canHaveModifiers(node) || !node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
    if (ts.isVariableStatement(node)) {
      for (const { name } of node.declarationList.declarations)
        if (ts.isIdentifier(name)) yield { node: name, name: name.text, isType: false };
    } else if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) {
      if (node.name) yield { node: node.name, name: node.name.text, isType: false };
    } else if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) {
      yield { node: node.name, name: node.name.text, isType: true };
    }
  }
}

function isNamedTwice(source: ts.SourceFile, name: string): boolean {
  const uses = [...walk(source)].filter((node) => ts.isIdentifier(node) && node.text === name);
  return uses.length > 1;
}
