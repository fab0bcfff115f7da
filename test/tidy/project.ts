/** What the rules look at: the files of the repository, or the few lines of a case that a rule must find fault with. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import ts from "typescript";

/** What a rule says about a place: `path:line: reason`. */
export type Finding = string;

/** A rule finds nothing in a tidy repository. */
export type Rule = (project: Project) => Iterable<Finding>;

/** The fields of package.json that rules read. */
export interface Manifest {
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const CODE = /\.[cm]?[jt]s$/;
const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts"],
  module: ts.ModuleKind.NodeNext,
  strict: true,
  noEmit: true,
  types: [],
  allowImportingTsExtensions: true,
};
/** Where a project's files seem to be, so that none on disk is taken for one of them. */
const VIRTUAL_ROOT = "/holdfast-project";

interface Typed {
  readonly sources: readonly ts.SourceFile[];
  readonly checker: ts.TypeChecker;
}

export class Project {
  /** Text by path from the root, `/` everywhere. */
  readonly files: ReadonlyMap<string, string>;
  readonly #parsed = new Map<string, ts.SourceFile>();
  #typed: Typed | undefined;

  constructor(files: Iterable<readonly [string, string]>) {
    this.files = new Map(files);
  }

  /** Every text file that git tracks or would add. */
  static ofRepository(root: string): Project {
    const names = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: root,
      encoding: "utf8",
    });
    const files = names.split("\0").flatMap((name): [string, string][] => {
      const file = path.join(root, name);
      if (name === "" || !fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return [];
      const text = fs.readFileSync(file, "utf8");
      return text.includes("\0") ? [] : [[name, text]];
    });
    return new Project(files);
  }

  get manifest(): Manifest {
    return JSON.parse(this.files.get("package.json") ?? "{}") as Manifest;
  }

  /** The code files whose path starts with one of `prefixes`, parsed. */
  code(...prefixes: readonly string[]): ts.SourceFile[] {
    return [...this.files.keys()]
      .filter((file) => CODE.test(file) && prefixes.some((prefix) => file.startsWith(prefix)))
      .map((file) => this.#parse(file));
  }

  /** `src` once more, with the types of its expressions; the packages it imports are unknown here. */
  get typed(): Typed {
    this.#typed ??= this.#check();
    return this.#typed;
  }

  #check(): Typed {
    const host = ts.createCompilerHost(COMPILER_OPTIONS);
    const { getSourceFile, readFile } = host;
    const own = (name: string): string | undefined => this.files.get(path.posix.relative(VIRTUAL_ROOT, name));
    host.getCurrentDirectory = () => VIRTUAL_ROOT;
    host.directoryExists = () => true;
    host.fileExists = (name) => own(name) !== undefined;
    host.readFile = (name) => own(name) ?? readFile(name);
    host.getSourceFile = (name, ...options) => {
      const read = () => getSourceFile(name, ...options);
      return own(name) === undefined ? librarySource(name, read) : read();
    };
    const rootNames = this.code("src/").map(({ fileName }) => `${VIRTUAL_ROOT}/${fileName}`);
    const program = ts.createProgram({ rootNames, options: COMPILER_OPTIONS, host });
    const sources = rootNames.map((name) => program.getSourceFile(name)).filter((source) => source !== undefined);
    return { sources, checker: program.getTypeChecker() };
  }

  #parse(file: string): ts.SourceFile {
    let source = this.#parsed.get(file);
    if (!source) {
      const options = { languageVersion: ts.ScriptTarget.ES2022, impliedNodeFormat: ts.ModuleKind.ESNext } as const;
      source = ts.createSourceFile(file, this.files.get(file) ?? "", options, true);
      this.#parsed.set(file, source);
    }
    return source;
  }
}

/** TypeScript's own declarations, read once for all projects. */
const librarySources = new Map<string, ts.SourceFile | undefined>();
function librarySource(name: string, read: () => ts.SourceFile | undefined): ts.SourceFile | undefined {
  if (!librarySources.has(name)) librarySources.set(name, read());
  return librarySources.get(name);
}

/** A node and everything below it, parents first. */
export function walk(node: ts.Node): readonly ts.Node[] {
  let all = walked.get(node);
  if (!all) {
    const found: ts.Node[] = [];
    const visit = (one: ts.Node): void => {
      found.push(one);
      ts.forEachChild(one, visit);
    };
    visit(node);
    all = found;
    if (ts.isSourceFile(node)) walked.set(node, all); // each rule asks for it
  }
  return all;
}

const walked = new WeakMap<ts.Node, readonly ts.Node[]>();

/** As {@link walk}, without the functions inside: what is executed where `node` is. */
export function* walkHere(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) if (!ts.isFunctionLike(child)) yield* walkHere(child);
}

/** The folder below `src` that a file belongs to; a file directly in `src` is its own, by its name. */
export function layerOf(file: string): string {
  return (file.split("/")[1] ?? "").replace(/\.ts$/, "");
}

export function finding(node: ts.Node, reason: string): Finding {
  const source = node.getSourceFile();
  const file = source.fileName.replace(`${VIRTUAL_ROOT}/`, "");
  return `${file}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}: ${reason}`;
}
