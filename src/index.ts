/**
 * Holdfast keeps files whole: atomic, durable file writes for Node.
 *
 * @packageDocumentation
 */
export {
  type DirectoryResult,
  type OutputResult,
  type StageDirectoryOptions,
  type StagedDirectory,
  type StagedOutput,
  type StageOutputOptions,
  stageDirectory,
  stageOutput,
  type Way,
  type WriteStagedOptions,
} from "./dir/index.ts";
export { type ErrorCode, type ErrorDetails, type ErrorKind, HoldfastError, isHoldfastError, type Outcome } from "./errors.ts";
export {
  type Capabilities,
  capabilities,
  createWriteStream,
  type Data,
  type DataChunk,
  type Durability,
  type NotKept,
  type ReadFileOptions,
  type ReadFileSyncOptions,
  type ReadJsonOptions,
  readFile,
  readFileSync,
  readJson,
  type SchemaIssue,
  type SchemaResult,
  type StagedFile,
  type StageFileOptions,
  type StandardSchema,
  type SymlinkPolicy,
  stageFile,
  type UpdateFileOptions,
  type UpdateFileSyncOptions,
  type UpdateJsonOptions,
  type UpdateResult,
  updateFile,
  updateFileSync,
  updateJson,
  type WriteFileOptions,
  type WriteFileSyncOptions,
  type WriteJsonOptions,
  type WriteResult,
  writeFile,
  writeFileSync,
  writeJson,
} from "./file/index.ts";
export type { Notice } from "./util/notices.ts";
