/** Files beside an input in which GDAL finds more about it. They are not read, and so are told of. */
import { dirname, parse } from "node:path";
import { type Program, stat } from "../../io/program.ts";
import { pathIn } from "../../util/path.ts";

/** Where GDAL looks for a place if the file has none (gdal_misc.cpp, GDALReadWorldFile). */
const WORLD_FILES = [".tfw", ".tifw", ".wld"];

/** In words, what is beside the input. */
export function* sidecarsOf(path: string, isPlaced: boolean): Program<string[]> {
  const { base, name } = parse(path);
  const names = [`${base}.aux.xml`, `${base}.msk`, `${base}.ovr`, ...(isPlaced ? [] : WORLD_FILES.map((end) => name + end))];
  const found: string[] = [];
  for (const one of names) if (yield* stat(pathIn(dirname(path), one))) found.push(`what is in ${one}`);
  return found;
}
