/** Writes a tile set from a wide source that is asked for window by window; prints its peak memory, and how often windows were asked for. */
import path from "node:path";
import { writeTileSet } from "../library.mjs";

const [, , dir, width, height, budget] = process.argv;
const asked = new Map();
const read = (window) => {
  const key = `${window.x},${window.y}`;
  asked.set(key, (asked.get(key) ?? 0) + 1);
  return new Float32Array(window.width * window.height).fill(window.x + window.y);
};
const source = { width: Number(width), height: Number(height), dtype: "float32", read };
const { tileCount } = await writeTileSet(path.join(dir, "wide.vrt"), source, {
  memoryBudgetBytes: Number(budget),
  compression: "none",
  graceMs: 0,
});
const oftenest = Math.max(...asked.values());
console.log(JSON.stringify({ peakBytes: process.resourceUsage().maxRSS * 1024, tileCount, windows: asked.size, oftenest }));
