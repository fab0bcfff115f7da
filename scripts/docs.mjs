/**
 * `npm run docs`: writes docs/ERRORS.md, docs/GUARANTEES.md and docs/api/. With `--check`: says what is out of date, and fails; `--check DIR...`
 * looks at copies of docs/ instead.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ensureBuilt, ensureInstalled, orExit, ROOT } from "./ensure.mjs";
import { renderErrors } from "./gen-errors.mjs";
import { renderGuarantees } from "./gen-guarantees.mjs";

const TIERS = ["kernel", "kill", "nodes", "prove", "windows"];
const GENERATED = ["ERRORS.md", "GUARANTEES.md"];

orExit(() => {
  ensureInstalled();
  ensureBuilt();
});

const docs = path.join(ROOT, "docs");
const [option, ...copies] = process.argv.slice(2);
const fresh = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-docs-"));
try {
  const { ERROR_CODES } = await import("../dist/errors.js");
  fs.writeFileSync(path.join(fresh, "ERRORS.md"), renderErrors(ERROR_CODES));
  fs.writeFileSync(
    path.join(fresh, "GUARANTEES.md"),
    renderGuarantees(Object.fromEntries(TIERS.map((tier) => [tier, resultsOf(tier)]))),
  );
  await renderApi(path.join(fresh, "api"));
  if (option === "--check") for (const dir of copies.length > 0 ? copies : [docs]) reportStale(dir);
  else replaceOld();
} finally {
  fs.rmSync(fresh, { recursive: true });
}

function resultsOf(tier) {
  return JSON.parse(fs.readFileSync(path.join(ROOT, "test/tiers/results", `${tier}.json`), "utf8"));
}

/** Options are in typedoc.json; only entry points that exist yet are rendered. */
async function renderApi(out) {
  const { Application } = await import("typedoc");
  const app = await Application.bootstrapWithPlugins({
    options: path.join(ROOT, "typedoc.json"),
    tsconfig: path.join(ROOT, "tsconfig.json"),
  });
  const entryPoints = app.options.getValue("entryPoints").filter((file) => fs.existsSync(path.resolve(ROOT, file)));
  app.options.setValue("entryPoints", entryPoints);
  const project = await app.convert();
  if (!project) throw new Error("typedoc could not read the sources");
  // Named as users import them, not by their files.
  for (const module of project.children ?? []) module.name = module.name === "index" ? "holdfast" : `holdfast/${module.name}`;
  app.options.setValue("outputs", [{ name: "markdown", path: out }]);
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error("mend the doc comments that typedoc complains about");
}

function filesOf(dir) {
  const entries = fs.existsSync(dir) ? fs.readdirSync(dir, { recursive: true, withFileTypes: true }) : [];
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
  return new Map(files.map((file) => [path.relative(dir, file), fs.readFileSync(file, "utf8").replaceAll("\r\n", "\n")]));
}

function reportStale(dir) {
  const old = new Map([...filesOf(dir)].filter(([name]) => GENERATED.includes(name) || name.startsWith("api")));
  const made = filesOf(fresh);
  const stale = [...new Set([...old.keys(), ...made.keys()])].filter((name) => old.get(name) !== made.get(name));
  for (const name of stale) console.error(`${path.join(dir, name)} is out of date: run "npm run docs"`);
  if (stale.length > 0) process.exitCode = 1;
}

function replaceOld() {
  fs.rmSync(path.join(docs, "api"), { recursive: true, force: true });
  fs.cpSync(fresh, docs, { recursive: true });
}
