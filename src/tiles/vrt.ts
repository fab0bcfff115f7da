/**
 * An index as GDAL's virtual raster: where each tile is, and as two texts in a metadata domain of our own, which generation it
 * names. Its last line has the digest of all before it, by which damage shows.
 */
import { TYPES } from "./geotiff/types.ts";
import { coloursOf, type Manifest, sha256, type TileRecord, windowOf } from "./manifest.ts";
import { type FoundIndex, pointerTo } from "./pointer.ts";
import { escapeXml, unescapeXml } from "./xml.ts";

/** The text of an index, always the same for one manifest. GDAL takes `EPSG:n` as a reference system. */
export function renderVrt(manifest: Manifest, manifestSha256: string): string {
  const { width, height, bands, dtype, crs, geoTransform, nodata, metadata, categories } = manifest.raster;
  const type = TYPES[dtype].gdal;
  const lines = [
    `<VRTDataset rasterXSize="${width}" rasterYSize="${height}">`,
    `  <Metadata domain="HOLDFAST">`,
    item("directory", manifest.directory),
    item("manifest_sha256", manifestSha256),
    `  </Metadata>`,
  ];
  const items = Object.entries(metadata);
  if (items.length > 0) lines.push("  <Metadata>", ...items.map(([name, text]) => item(name, text)), "  </Metadata>");
  // Without dataAxisToSRSAxisMapping, x is east or longitude whatever the authority's order is, as in the tiles.
  if (crs) lines.push(`  <SRS>EPSG:${crs.epsg}</SRS>`);
  if (geoTransform) lines.push(`  <GeoTransform>${geoTransform.join(", ")}</GeoTransform>`);
  const colours = coloursOf(manifest.raster);
  for (let band = 1; band <= bands; band++) {
    lines.push(`  <VRTRasterBand dataType="${type}" band="${band}">`);
    if (nodata !== undefined) lines.push(`    <NoDataValue>${nodata}</NoDataValue>`);
    lines.push(`    <ColorInterp>${colours[band - 1]}</ColorInterp>`);
    if (categories.length > 0) {
      const names = categories.map((name) => `      <Category>${escapeXml(name)}</Category>`);
      lines.push("    <CategoryNames>", ...names, "    </CategoryNames>");
    }
    for (const tile of manifest.tiles) lines.push(sourceOf(manifest, tile, band, type));
    lines.push("  </VRTRasterBand>");
  }
  const text = `${lines.join("\n")}\n</VRTDataset>\n`;
  return `${text}<!-- holdfast sha256 ${sha256(text)} -->\n`;
}

const item = (name: string, text: string): string => `    <MDI key="${escapeXml(name)}">${escapeXml(text)}</MDI>`;

/** With the properties of a tile, GDAL need not open it before it reads from it. */
function sourceOf({ directory, raster }: Manifest, { row, col, name, block }: TileRecord, band: number, type: string): string {
  const { x, y, width, height } = windowOf(raster, row, col);
  const size = `xSize="${width}" ySize="${height}"`;
  return [
    "    <SimpleSource>",
    `      <SourceFilename relativeToVRT="1">${escapeXml(`${directory}/${name}`)}</SourceFilename>`,
    `      <SourceBand>${band}</SourceBand>`,
    `      <SourceProperties RasterXSize="${width}" RasterYSize="${height}" DataType="${type}" BlockXSize="${block[0]}" BlockYSize="${block[1]}" />`,
    `      <SrcRect xOff="0" yOff="0" ${size} />`,
    `      <DstRect xOff="${x}" yOff="${y}" ${size} />`,
    "    </SimpleSource>",
  ].join("\n");
}

const MARK = '<Metadata domain="HOLDFAST">';
const WHOLE = /<\/VRTDataset>\s*$/;
const LAST_LINE = /<!-- holdfast sha256 ([0-9a-f]{64}) -->\n$/;
const POINTER = /<MDI key="directory">([^<>]*)<\/MDI>\s*<MDI key="manifest_sha256">([0-9a-f]{64})<\/MDI>/;

/** What an index says. */
export function parseVrt(text: string): FoundIndex {
  const last = LAST_LINE.exec(text);
  if (!last && !text.includes(MARK)) return WHOLE.test(text) ? "foreign" : "damaged";
  const [, directory, manifestSha256] = POINTER.exec(text) ?? [];
  if (!last || directory === undefined || manifestSha256 === undefined) return "damaged";
  if (sha256(text.slice(0, last.index)) !== last[1]) return "damaged";
  return pointerTo(unescapeXml(directory), manifestSha256);
}
