/** `holdfast tiles COMMAND INDEX`: makes a tile set, looks at it, checks it, and rebuilds its index. */
import type { Command } from "commander";
import type { Output } from "../output.ts";
import { outputOf } from "../output.ts";
import type { Context } from "../program.ts";
import { addTilesBuild } from "./tiles-build.ts";

const AFTER_HELP = `
INDEX is a .vrt or .gti.fgb that this or writeTileSet has written; its tiles are
beside it.

--json prints one object a line: each tile, then the numbers.

Exit codes: 0 whole   3 damage found   4 damage repaired   11 being written

Examples:
  holdfast tiles build elevation.tif elevation.vrt
  holdfast tiles ls elevation.vrt              what it is, and its tiles
  holdfast tiles verify elevation.vrt          every tile against its digest
  holdfast tiles repair elevation.vrt          the index again, if it is lost
  holdfast tiles verify --json a.vrt | jq -r 'select(.damage).path'`;

type Words = typeof import("../tiles.ts");

/** Adds the command. */
export function addTiles(program: Command, context: Context): void {
  const tiles = program
    .command("tiles")
    .summary("make, look at, check and repair a tile set")
    .description("Makes a tile set of GeoTIFF tiles and a GDAL index, checks it, rebuilds its index.")
    .helpCommand(false)
    .addHelpText("after", AFTER_HELP);
  const add = (
    name: string,
    summary: string,
    text: string,
    act: (words: Words) => (index: string, output: Output, signal: AbortSignal) => Promise<number>,
  ): void => {
    tiles
      .command(name)
      .summary(summary)
      .description(text)
      .argument("<index>", "the .vrt or .gti.fgb file")
      .option("--json", "print JSON, one object a line")
      .addHelpText("after", AFTER_HELP)
      .action(async (index: string, { json = false }: { readonly json?: boolean }) => {
        const words = await import("../tiles.ts"); // only who asks pays for loading it
        context.exit(await act(words)(index, outputOf(json), context.signal));
      });
  };
  addTilesBuild(tiles, context);
  add("ls", "show a tile set and its tiles", "Shows what a tile set is, and its tiles.", ({ list }) => list);
  add("verify", "check every tile", "Checks every tile against its size and digest.", ({ verify }) => verify);
  add(
    "repair",
    "rebuild a lost index",
    "Rebuilds an index that is lost or damaged, and checks every tile.",
    ({ repair }) => repair,
  );
}
