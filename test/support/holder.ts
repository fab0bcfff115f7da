/** Other processes that have a file open, by the share modes of Windows: what a scanner, an indexer or an editor does. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { startChild } from "./child.ts";

/**
 * `exclusive`: nobody else can open the file. `reading`: others can read it, not write, rename or remove it. `shared`: as
 * Node opens files, with all sharing. `deleting`: as `shared`, and the file is removed when it is closed.
 */
export type Hold = "deleting" | "exclusive" | "reading" | "shared";

/** libuv, include/uv/win.h; not in `fs.constants`, but passed through. */
const UV_FS_O_EXLOCK = 0x10000000;
const UV_FS_O_TEMPORARY = 0x40;
const FLAGS = { deleting: 2 | UV_FS_O_TEMPORARY, exclusive: 2 | UV_FS_O_EXLOCK, shared: 0 } as const;

/** Somebody who has a file open. */
export interface Holder {
  readonly released: Promise<unknown>;
  readonly kill: () => Promise<void>;
}

/** Has `path` held by another process for `forMs`; resolves when it is. */
export async function hold(t: TestContext, path: string, how: Hold, forMs: number): Promise<Holder> {
  return how === "reading" ? await holdByShell(path, forMs) : await holdByNode(t, path, FLAGS[how], forMs);
}

async function holdByNode(t: TestContext, path: string, flags: number, forMs: number): Promise<Holder> {
  const child = startChild(
    async ({ fs, say }, { path, flags, forMs }) => {
      const file = fs.openSync(path, flags);
      say("held");
      await new Promise((resolve) => setTimeout(resolve, forMs));
      fs.closeSync(file);
    },
    { path, flags, forMs },
  );
  t.after(() => child.kill());
  if ((await child.next()) !== "held") await child.result; // throws: it could not
  return { released: child.result, kill: () => child.kill() };
}

/** The shell opens what it redirects from with FILE_SHARE_READ only, and has it open for as long as its command runs. */
async function holdByShell(path: string, forMs: number): Promise<Holder> {
  const body = `console.log(process.pid); setTimeout(String, ${forMs})`;
  const command = `""${process.execPath}" -e "${body}" < "${path}""`;
  const shell = spawn("cmd.exe", ["/d", "/s", "/c", command], {
    windowsVerbatimArguments: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const released = once(shell, "exit");
  const [pid] = (await once(shell.stdout, "data")) as [Buffer];
  const kill = async (): Promise<void> => {
    if (shell.exitCode === null && shell.signalCode === null) process.kill(Number(pid));
    await released;
  };
  return { released, kill };
}
