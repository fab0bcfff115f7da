/** A write protocol of four requests, for tests of the simulator: which of its barriers it has is up to the test. */
import { currentMachine } from "../../dist/io/current.js";
import type { File } from "../../dist/io/io.js";

async function writeAll(file: File, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length; ) done += await currentMachine().io.write(file, bytes.subarray(done), done);
}

/** The barriers of {@link replaceToy}. */
export interface Barriers {
  readonly file?: boolean;
  readonly directory?: boolean;
}

/** Replaces `/d/f` through the name `stage`. */
export async function replaceToy(
  text: string,
  { file = true, directory = true }: Barriers = {},
  stage = "/d/stage",
): Promise<void> {
  const { io } = currentMachine();
  const open = await io.open(stage, "create");
  await writeAll(open, text);
  if (file) await io.syncFile(open);
  await io.close(open);
  await io.rename(stage, "/d/f");
  if (directory) await io.syncDir("/d");
}

/** Writes into `/d/f` itself, and does not look whether all was written. */
export async function overwriteToy(text: string): Promise<void> {
  const { io } = currentMachine();
  const open = await io.open("/d/f", "edit");
  await io.write(open, new TextEncoder().encode(text), 0);
  await io.syncFile(open);
  await io.close(open);
}

/** All of `/d/f`. */
export async function readToy(): Promise<string> {
  const { io } = currentMachine();
  const open = await io.open("/d/f", "read");
  const into = new Uint8Array(100_000);
  const count = await io.read(open, into, 0);
  await io.close(open);
  return new TextDecoder().decode(into.subarray(0, count));
}
