/** A whole file into memory. One open file is one version: a replace during the read does not mix in. */
import { errnoOf, HoldfastError } from "../errors.ts";
import type { File } from "../io/io.ts";
import { close, ensure, open, type Program, read, statFile, traits } from "../io/program.ts";
import { READ_BYTES_MAX } from "../util/limits.ts";
import { whileHeld } from "./publish.ts";

/** Reads the regular file at `path`; a final symbolic link is followed. */
export function* readWhole(path: string, heldBudgetMs: number): Program<Uint8Array> {
  const { replacesOpenFiles } = yield* traits();
  // Windows refuses an open while somebody holds the file exclusively: that is not "missing", and passes.
  const file = yield* replacesOpenFiles ? openToRead(path) : whileHeld(() => openToRead(path), path, heldBudgetMs);
  return yield* ensure(readAll(file, path), () => close(file));
}

function* openToRead(path: string): Program<File> {
  try {
    return yield* open(path, "read");
  } catch (error) {
    if (errnoOf(error) === "ENOENT")
      throw new HoldfastError("NOT_FOUND", { path, op: "open", cause: error, details: { errno: "ENOENT" } });
    throw error;
  }
}

function* readAll(file: File, path: string): Program<Uint8Array> {
  const { kind, sizeBytes } = yield* statFile(file);
  if (kind !== "file") {
    throw new HoldfastError("NOT_A_FILE", {
      what: kind === "directory" ? "the path is a directory" : "the path is a device, FIFO or socket",
      path,
    });
  }
  // Files of /proc say they are empty; one byte more than the size shows the end of all others in one read.
  let bytes = new Uint8Array(sizeBytes > 0 ? sizeBytes + 1 : 4096);
  let done = 0;
  for (;;) {
    const count = yield* read(file, bytes.subarray(done, done + READ_BYTES_MAX), done);
    if (count === 0) return bytes.subarray(0, done);
    done += count;
    if (done === bytes.length) {
      const larger = new Uint8Array(bytes.length * 2);
      larger.set(bytes);
      bytes = larger;
    }
  }
}
