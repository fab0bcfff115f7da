/** Runs a protocol on a file system whose disk is recorded. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { HoldfastError } from "../../index.ts";
import { type Entry, readBlockLog } from "./block-log.ts";
import { command } from "./command.ts";
import type { FileSystemName } from "./file-systems.ts";
import { withMounted } from "./mounts.ts";
import type { SparseDisk } from "./sparse-disk.ts";

const SERVER = fileURLToPath(new URL("disk-server/main.js", import.meta.url));
const START = "START";

/** What was recorded, and where the protocol began: all before that is durable. */
export interface Recording {
  readonly entries: readonly Entry[];
  readonly start: number;
}

/** What is done on the recorded file system. */
export interface Recorded {
  /** Makes what is there before; it is synced afterwards. */
  readonly before: (root: string) => void;
  /** The protocol, which writes its marks into `mark`. */
  readonly run: (root: string, mark: string) => Promise<unknown>;
}

/** Records `run` on a copy of the empty file system `blank`; `dir` is a fresh directory for this alone. */
export async function record(
  name: FileSystemName,
  blank: SparseDisk,
  dir: string,
  { before, run }: Recorded,
): Promise<Recording> {
  const [image, log, mountPoint] = ["image", "log", "fuse"].map((file) => path.join(dir, file)) as [string, string, string];
  fs.mkdirSync(mountPoint, { recursive: true });
  blank.save(image);
  const server = await startServer(mountPoint, image, log);
  const mark = path.join(mountPoint, "mark");
  try {
    await withMounted(name, path.join(mountPoint, "disk"), path.join(dir, "root"), async (root) => {
      before(root);
      await command("sync", ["-f", root]);
      fs.writeFileSync(mark, START);
      await run(root, mark);
      await command("sync", ["-f", root]);
    });
  } finally {
    // Lazily: the loop device closes its file a little after the umount.
    await command("umount", ["-l", mountPoint]);
    await server.ended;
  }
  const entries = readBlockLog(log);
  const start = entries.findIndex((entry) => entry.kind === "mark" && entry.text === START) + 1;
  if (start === 0 || !entries.slice(start).some(({ kind }) => kind === "flush"))
    throw new HoldfastError("ASSERTION", { what: `the record of ${name} has no mark, or no flush after it` });
  return { entries, start };
}

/** Resolves once the disk is there, to a promise of the server's end. */
async function startServer(mountPoint: string, image: string, log: string): Promise<{ readonly ended: Promise<unknown> }> {
  const device = fs.openSync("/dev/fuse", "r+");
  try {
    const options = "fd=3,rootmode=40000,user_id=0,group_id=0";
    await command("mount", ["-i", "-t", "fuse", "-o", options, "holdfast", mountPoint], { descriptors: [device] });
    const server = spawn(process.execPath, [SERVER, image, log], { stdio: ["ignore", "inherit", "inherit", device] });
    return { ended: once(server, "exit") };
  } finally {
    fs.closeSync(device);
  }
}
