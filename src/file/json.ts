import { HoldfastError } from "../errors.ts";
import { checkOptions } from "../util/options.ts";
import { OPTIONS, type ReadFileOptions, type UpdateFileOptions, type WriteFileOptions } from "./options.ts";
import { readFile } from "./read-file.ts";
import { type StandardSchema, validate } from "./standard-schema.ts";
import { type UpdateResult, updateFile } from "./update-file.ts";
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

/** Options of {@link updateJson}. */
export interface UpdateJsonOptions<Output> extends UpdateFileOptions {
  /** As for {@link writeJson}. */
  readonly indent?: number | undefined;
  /** What both the old and the new value must match. `change` gets the schema's output. */
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
  const text = textOf(value, indent);
  if (schema) await validate(schema, value, String(path));
  return await writeFile(path, text, rest);
}

/**
 * Reads the JSON file at `path`, gives its value to `change`, and replaces it by what that returns, under a lock: see
 * {@link updateFile}.
 *
 * @param change Gets the value, or undefined if there is no file; may be asynchronous. What it returns is written, also if it
 *   is the value it got, changed. Returning undefined changes nothing.
 * @throws As {@link updateFile}; `CORRUPT_JSON` and `SCHEMA_MISMATCH` as {@link readJson}, and nothing is changed.
 * @example
 * await holdfast.updateJson("visits.json", (old = { count: 0 }) => ({ count: old.count + 1 }));
 */
export async function updateJson<Value = unknown>(
  path: string | URL,
  change: (value: Value | undefined) => Promise<Value | undefined> | Value | undefined,
  options?: UpdateJsonOptions<Value>,
): Promise<UpdateResult> {
  const { indent = INDENT_DEFAULT, schema, ...rest } = checkOptions(options, OPTIONS.updateJson);
  if (typeof change !== "function") throw new TypeError("change must be a function");
  const valid = async (value: unknown): Promise<Value> =>
    schema ? await validate(schema, value, String(path)) : (value as Value);
  const changeText = async (content: Uint8Array | undefined): Promise<string | undefined> => {
    const old = content && (await valid(parse(decoder.decode(content), String(path))));
    const value = await change(old);
    if (value === undefined) return undefined;
    await valid(value);
    return textOf(value, indent);
  };
  return await updateFile(path, changeText, rest);
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function textOf(value: unknown, indent: number): string {
  const text = JSON.stringify(value, null, indent) as string | undefined;
  if (text === undefined) throw new TypeError(`value must be something JSON has a text for; it is ${typeof value}`);
  return `${text}\n`;
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
