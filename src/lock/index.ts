/**
 * Kernel locks between processes.
 *
 * @packageDocumentation
 */
export { acquireLock, Lock, type LockOptions, type TryLockOptions, tryLock, withLock, withLockSync } from "./lock.ts";
