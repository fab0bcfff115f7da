/** Kernel locks on POSIX, through the optional package fs-native-extensions (OFD locks on Linux, flock on macOS). */
import { errnoOf } from "../errors.ts";
import native from "./native.cjs";

/** What we use of fs-native-extensions 1.x, which ships no types. */
export interface NativeLock {
  tryLock(fd: number, options?: { readonly shared?: boolean }): boolean;
  unlock(fd: number): void;
  swap(one: string, other: string): Promise<void>;
  swapSync(one: string, other: string): void;
}

let loaded: NativeLock | undefined;
let reason: unknown;

/**
 * The native lock, or undefined where it is not installed or can't be loaded: then {@link nativeLockFailure} says why.
 *
 * Never tried in Deno, whose process the addon ends (undefined symbol uv_get_osfhandle), which nothing can catch.
 */
export function nativeLock(): NativeLock | undefined {
  if (loaded || reason !== undefined) return loaded;
  if ("Deno" in globalThis) {
    reason = "fs-native-extensions can't be loaded in Deno";
    return undefined;
  }
  const found = native.loadNativeLock();
  if ("addon" in found) loaded = found.addon as NativeLock;
  else reason = found.failure;
  return loaded;
}

/** Why there is no native lock, once {@link nativeLock} has given none. */
export function nativeLockFailure(): unknown {
  return reason;
}

/** What a file system without locks answers (fcntl(2); an NFS mount without a lock server). */
const NO_LOCKS = new Set(["EINVAL", "ENOLCK", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"]);

/** Whether a lock failed because this file system has none. */
export function meansNoLocks(error: unknown): boolean {
  return NO_LOCKS.has(errnoOf(error));
}
