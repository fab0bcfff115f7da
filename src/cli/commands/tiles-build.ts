/** `holdfast tiles build INPUT INDEX`: a GeoTIFF as a tile set. */
import { type Command, Option } from "commander";
import { byteCount, wholeNumber } from "../arguments.ts";
import { EXIT } from "../exit-codes.ts";
import { outputOf } from "../output.ts";
import type { Context } from "../program.ts";
import type { BuildOptions } from "../tiles-build.ts";

const AFTER_HELP = `
INPUT is a GeoTIFF or COG: strips or tiles; bands beside or after each other; 8
to 64 bits; uncompressed, LZW, deflate, PackBits, or zstd (Node 22.15). INDEX is
a .vrt, or for more than about 10,000 tiles a .gti.fgb, which GDAL from 3.9 on
opens at once. It may be there: GDAL reads the old or the new version, whole.
Values, type, place, no-data value and metadata are taken over. What a tile set
can't have (a colour table, say) is named on standard error, and is "notKept"
with --json; what would put the raster in another place is refused.

Needs the package geotiff: npm install geotiff

A tile of more than 256 x 256 pixels has several blocks, and with --overviews
also itself in half its size, a quarter and so on, for those who look at all of
it: take large tiles then. "average" leaves out what has no data; "nearest" is
for values that are names.

What an interrupted call leaves is removed by the next. With --resume, tiles
that are whole and of the same input and options are taken over: give it from
the start.

A directory NAME_tiles with content is refused: another program has made it.
--leftovers quarantine renames it; adopt takes over the values of those of its
tiles that fit, reads the others from INPUT, and renames it then. Adopt only
what was made of INPUT.

Exit codes: 0 ok   1 failed   2 wrong usage   11 being written   130 cancelled

Examples:
  holdfast tiles build elevation.tif elevation.vrt
  holdfast tiles build --tile-size 1024 --compression none cog.tif cog.vrt
  holdfast tiles build --tile-size 4096 --overviews average a.tif a.vrt
  holdfast tiles build --resume --memory 2G large.tif large.vrt
  holdfast tiles build country.tif country.gti.fgb
  holdfast tiles build --json in.tif out.vrt | jq .notKept`;

/** Adds the command. */
export function addTilesBuild(tiles: Command, context: Context): void {
  tiles
    .command("build")
    .summary("make a tile set of a GeoTIFF")
    .description("Writes a GeoTIFF as a tile set: all of it or nothing.")
    .argument("<input>", "the GeoTIFF")
    .argument("<index>", "the .vrt or .gti.fgb file to write")
    .option("--tile-size <pixels>", "side of a tile (default: 256)", wholeNumber(1, 16_384))
    .addOption(new Option("--compression <name>", "of the tiles (default: deflate)").choices(["none", "deflate", "zstd"]))
    .option("--level <number>", "of the compression: 1 to 9 (deflate), 22 (zstd)", wholeNumber(1, 22))
    .addOption(new Option("--predictor <name>", "(default: by the type)").choices(["none", "horizontal", "float"]))
    .addOption(new Option("--overviews <way>", "smaller versions in each tile (default: none)").choices(["average", "nearest"]))
    .option("--crs <epsg>", "instead of the reference system of the input", wholeNumber(1024, 32_766))
    .option("--concurrency <number>", "tiles at once (default: 8)", wholeNumber(1, 128))
    .option("--memory <bytes>", "for tiles and input, e.g. 1G (default: 256M)", byteCount)
    .addOption(
      new Option("--leftovers <way>", "with tiles another program has left (default: refuse)").choices([
        "refuse",
        "quarantine",
        "adopt",
      ]),
    )
    .option("--resume", "go on where an interrupted call has ended")
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER_HELP)
    .action(async (input: string, index: string, { json = false, ...options }: BuildOptions & { readonly json?: boolean }) => {
      const { build } = await import("../tiles-build.ts"); // only who asks pays for loading it
      await build(input, index, options, outputOf(json), context.signal);
      context.exit(EXIT.ok);
    });
}
