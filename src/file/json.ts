import { HoldfastError } from "../errors.ts";
import { checkOptions, OPTIONS, type ReadFileOptions, type WriteFileOptions } from "./options.ts";
import { readFile } from "./read-file.ts";
import type { StandardSchema } from "./standard-schema.ts";
import { writeFile } from "./write-file.ts";
import type { WriteResult } from "./write-job.ts";

/** Options of {@link writeJson}. */
export interface WriteJsonOptions extends WriteFileOptions {
  /** Spaces for each level, 0 to 10. Default 2; 0 writes one line. */
  readonly indent?: number | undefined;
  /** Refuse a value that does not match, before anything is written. The value itself is written, not the schema's output. */
  readonly schema?: StandardSchema | undefined;
}

/** Options of {@link readJson}. */
export interface ReadJsonOptions<Output> extends Pick<ReadFileOptions, "busyTimeoutMs" | "signal"> {
  /** What the value must match; the schema's output is returned. Any library that implements Standard Schema. */
  readonly schema?: StandardSchema<unknown, Output> | undefined;
}

const INDENT_DEFAULT = 2;

/**
 * Replaces the file at `path` by `value` as JSON with a newline at the end, all or nothing: see {@link writeFile}.
 *
 * @param value Anything `JSON.stringify` has a text for. It is turned into text before the call returns its promise.
 * @throws {TypeError} There is no text for the value (`undefined`, a function, a cycle, a bigint); nothing was touched.
 * @throws {HoldfastError} As {@link writeFile}; `SCHEMA_MISMATCH`, outcome `unchanged`, with `details.issues`.
 */
export async function writeJson(path: string | URL, value: unknown, options?: WriteJsonOptions): Promise<WriteResult> {
  const { indent = INDENT_DEFAULT, schema, ...rest } = checkOptions(options, OPTIONS.writeJson);
  const text = JSON.stringify(value, null, indent) as string | undefined;
  if (text === undefined) throw new TypeError(`value must be something JSON has a text for; it is ${typeof value}`);
  if (schema) await validate(schema, value, String(path));
  return await writeFile(path, `${text}\n`, rest);
}

/**
 * Reads the JSON file at `path`.
 *
 * @returns The value, or with `schema` the schema's output for it.
 * @throws {HoldfastError} As {@link readFile}; `CORRUPT_JSON` if the text is no JSON (an empty file is not);
 *   `SCHEMA_MISMATCH` with `details.issues`. Absent and corrupt are never the same, and never a default.
 */
export async function readJson<Output = unknown>(path: string | URL, options?: ReadJsonOptions<Output>): Promise<Output> {
  const { schema, ...rest } = checkOptions(options, OPTIONS.readJson);
  const value = parse(await readFile(path, { ...rest, encoding: "utf8" }), String(path));
  return schema ? await validate(schema, value, String(path)) : (value as Output);
}

const BYTE_ORDER_MARK = "\ufeff";

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  } catch (cause) {
    const what = text === "" ? "the file is empty, which is no JSON" : undefined;
    throw new HoldfastError("CORRUPT_JSON", { what, path, cause, details: { sizeBytes: Buffer.byteLength(text) } });
  }
}

async function validate<Output>(schema: StandardSchema<unknown, Output>, value: unknown, path: string): Promise<Output> {
  const result = await schema["~standard"].validate(value);
  if (!result.issues) return result.value;
  const issues = result.issues.map((issue) => ({
    message: issue.message,
    path: (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join("."),
  }));
  const [first] = issues;
  const what = `the value does not match its schema (${issues.length} issue${issues.length === 1 ? "" : "s"}; first: ${first?.path || "the value"}: ${first?.message})`;
  throw new HoldfastError("SCHEMA_MISMATCH", { what, path, details: { issues } });
}
