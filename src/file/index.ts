export type { Durability } from "../core/prepare.ts";
export type { NotKept } from "../core/stage.ts";
export type { SymlinkPolicy } from "../core/target.ts";
export type { Data, DataChunk } from "../io/data.ts";
export { type Capabilities, capabilities } from "./capabilities.ts";
export { type ReadJsonOptions, readJson, type UpdateJsonOptions, updateJson, type WriteJsonOptions, writeJson } from "./json.ts";
export type {
  ReadFileOptions,
  ReadFileSyncOptions,
  StageFileOptions,
  UpdateFileOptions,
  UpdateFileSyncOptions,
  WriteFileOptions,
  WriteFileSyncOptions,
} from "./options.ts";
export { readFile, readFileSync } from "./read-file.ts";
export type { StagedFile } from "./stage-file.ts";
export { stageFile } from "./stage-file.ts";
export { type SchemaIssue, type SchemaResult, type StandardSchema, validate } from "./standard-schema.ts";
export { type UpdateResult, updateFile, updateFileSync } from "./update-file.ts";
export { writeFile, writeFileSync } from "./write-file.ts";
export type { WriteResult } from "./write-job.ts";
export { createWriteStream } from "./write-stream.ts";
