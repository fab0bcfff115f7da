export type { Way } from "../core/publish-tree.ts";
export type { StageDirectoryOptions, StageOutputOptions, WriteStagedOptions } from "./options.ts";
export type { DirectoryResult } from "./result.ts";
export { type StagedDirectory, stageDirectory } from "./stage-directory.ts";
export { type OutputResult, type StagedOutput, stageOutput } from "./stage-output.ts";
