/** The atomic exchange of two names, through the optional package fs-native-extensions: Node has no call for it. */
import { errnoOf } from "../errors.ts";
import type { NativeLock } from "./native-lock.ts";

/** renameat2(2): EINVAL, the file system does not know the flag; ENOSYS, the kernel does not know the call. */
const NONE = new Set(["EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"]);

/** The exchange in both forms; without the package, there is none. */
export function exchanging(native: NativeLock | undefined): {
  readonly sync: (one: string, other: string) => boolean;
  readonly async: (one: string, other: string) => Promise<boolean>;
} {
  return {
    sync(one, other) {
      try {
        native?.swapSync(one, other);
        return native !== undefined;
      } catch (error) {
        return falseIfNone(error, one);
      }
    },
    async async(one, other) {
      try {
        await native?.swap(one, other);
        return native !== undefined;
      } catch (error) {
        return falseIfNone(error, one);
      }
    },
  };
}

/** The package gives the code only. */
function falseIfNone(error: unknown, path: string): false {
  if (NONE.has(errnoOf(error))) return false;
  throw Object.assign(error as Error, { path, syscall: "rename" });
}
