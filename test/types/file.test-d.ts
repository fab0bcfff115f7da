/** Checked by the compiler only: what must be an error has `@ts-expect-error` before it. */
import { readFile, readFileSync, readJson, type WriteResult, writeFile, writeFileSync } from "holdfast";

export async function writes(bytes: Uint8Array, chunks: AsyncIterable<string>): Promise<WriteResult> {
  await writeFile(new URL("file:///x"), bytes, { parents: true, ifAbsent: true });
  // @ts-expect-error A number is not content.
  await writeFile("x", 5);
  // @ts-expect-error There is no such option.
  await writeFile("x", "", { fsync: true });
  // @ts-expect-error There is no such level.
  await writeFile("x", "", { durability: "safe" });
  // @ts-expect-error What comes later can't be written synchronously.
  writeFileSync("x", chunks);
  return writeFile("x", chunks, { signal: AbortSignal.abort() });
}

export async function reads(): Promise<void> {
  const bytes: Uint8Array = await readFile("x");
  const text: string = await readFile("x", "utf8");
  const now: string = readFileSync("x", "utf8");
  // @ts-expect-error Without an encoding it is bytes.
  const wrong: string = await readFile("x");
  const value: unknown = await readJson("x");
  void [bytes, text, now, wrong, value];
}
