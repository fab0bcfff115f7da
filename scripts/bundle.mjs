/**
 * `node scripts/bundle.mjs DIST`: replaces the entry points of a compiled library by bundles, which load in a third of the
 * time of some forty small files. What they share is in chunks, so that it exists once. The modules stay beside them, for
 * tests of their own; the package carries the bundles only (`files` in package.json).
 */
import fs from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { ROOT } from "./ensure.mjs";

const dist = path.resolve(process.argv[2] ?? path.join(ROOT, "dist"));
const { exports } = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8"));

const entryPoints = Object.values(exports)
  .filter((entry) => entry.default)
  .map((entry) => path.join(dist, path.relative("dist", entry.default)));

/** CommonJS, and loaded when it is needed: a file of its own, which chunks find one folder up. */
const native = {
  name: "native",
  setup: (bundle) => bundle.onResolve({ filter: /\/native\.cjs$/ }, () => ({ path: "../io/native.cjs", external: true })),
};

await build({
  entryPoints,
  outdir: dist,
  outbase: dist,
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "external",
  plugins: [native],
  logLevel: "warning",
});
