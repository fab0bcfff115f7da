/** The witness of witness.ts, made of requests of the simulated machine, each of which can be the one between two others. */
import { currentMachine } from "../../dist/io/current.js";

/** Fails with EEXIST if somebody else is inside. `clear` removes what a dead one has left. */
export async function openStay(path: string, clear: boolean): Promise<void> {
  const { io } = currentMachine();
  if (clear && (await io.lstat(path))) await io.unlink(path);
  await io.close(await io.open(path, "create", 0o600));
  await io.unlink(path);
}
