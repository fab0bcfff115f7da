/**
 * Transactions: many files and directories below one directory, all or nothing.
 *
 * Experimental: it may change in any release before 1.0.
 *
 * @packageDocumentation
 */
export { claimsKind } from "./claims-kind.ts";
export { TransactionDirectory, type WriteInDirectoryOptions } from "./directory.ts";
export type {
  MakeDirectoryOptions,
  Precondition,
  RecoverOptions,
  RemoveOptions,
  RenameOptions,
  TransactionOptions,
  TransactionSyncOptions,
  WriteChangeOptions,
  WriteDirectoryOptions,
} from "./options.ts";
export { type Recovery, type RecoveryAction, recover } from "./recover.ts";
export type { TransactionResult } from "./result.ts";
export { Transaction, transaction } from "./transaction.ts";
export { type TransactionDirectorySync, TransactionSync, transactionSync } from "./transaction-sync.ts";
