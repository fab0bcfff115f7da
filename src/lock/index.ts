/**
 * Kernel locks between processes.
 *
 * @packageDocumentation
 */
export { KeptLock } from "./kept-lock.ts";
export { acquireLock, Lock, type LockOptions, type TryLockOptions, tryLock, withLock, withLockSync } from "./lock.ts";
export { lockKind } from "./lock-kind.ts";
