/** Calls a program of the system. */
import { type IOType, spawn } from "node:child_process";
import { once } from "node:events";
import { HoldfastError } from "../../index.ts";

/** How to call it. */
export interface CommandOptions {
  /** Descriptors beyond the three of standard: the first is number 3. */
  readonly descriptors?: readonly (IOType | number)[];
}

/** Runs a command and gives what it printed; fails with what it says on standard error. */
export async function command(file: string, args: readonly string[], { descriptors = [] }: CommandOptions = {}): Promise<string> {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe", ...descriptors] });
  const said = { stdout: "", stderr: "" };
  child.stdout?.on("data", (data: Buffer) => {
    said.stdout += String(data);
  });
  child.stderr?.on("data", (data: Buffer) => {
    said.stderr += String(data);
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (code === 0) return said.stdout;
  throw new HoldfastError("IO", { what: `${file} ${args.join(" ")} failed: ${said.stderr.trim() || `exit code ${code}`}` });
}
