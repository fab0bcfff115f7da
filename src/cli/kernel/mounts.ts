/**
 * Mounts, in the private world of this process (`namespace.ts`). The loop devices are made by mount(8), which leaves it to the
 * kernel to free them with the mount: nothing is left even if this process is killed between two lines.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { isHoldfastError } from "../../index.ts";
import { command } from "./command.ts";
import { FILE_SYSTEMS, type FileSystemName } from "./file-systems.ts";

/** Mounts the file system in an image file, at `dir`, while `use` runs. */
export async function withMounted<T>(
  name: FileSystemName,
  image: string,
  dir: string,
  use: (dir: string) => Promise<T>,
): Promise<T> {
  fs.mkdirSync(dir, { recursive: true });
  await command("mount", ["-t", name, "-o", `loop,${FILE_SYSTEMS[name].mountOptions}`, image, dir]);
  try {
    return await use(dir);
  } finally {
    await command("umount", [dir]);
  }
}

/** As {@link withMounted}; undefined if it can't be mounted. */
export async function ifMounted<T>(
  name: FileSystemName,
  image: string,
  dir: string,
  use: (dir: string) => Promise<T>,
): Promise<T | undefined> {
  let mounted = false;
  try {
    return await withMounted(name, image, dir, () => {
      mounted = true;
      return use(dir);
    });
  } catch (error) {
    if (!mounted && isHoldfastError(error, "IO")) return undefined;
    throw error;
  }
}

/** Makes an empty file system in a file. */
export async function makeFileSystem(name: FileSystemName, image: string): Promise<void> {
  const { sizeBytes, mkfs } = FILE_SYSTEMS[name];
  fs.mkdirSync(path.dirname(image), { recursive: true });
  fs.writeFileSync(image, "");
  fs.truncateSync(image, sizeBytes);
  const [file, ...args] = mkfs;
  await command(file, [...args, image]);
}
