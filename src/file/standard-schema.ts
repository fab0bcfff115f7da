/**
 * The interface of Standard Schema 1, by which zod, valibot, arktype and others can be handed over alike. Its
 * specification asks libraries to copy these types rather than to depend on a package: https://standardschema.dev
 */
import { HoldfastError } from "../errors.ts";

/** A schema of any library that implements Standard Schema. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** A value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The schema's output for a value; SCHEMA_MISMATCH if it has none. */
export async function validate<Output>(schema: StandardSchema<unknown, Output>, value: unknown, path: string): Promise<Output> {
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
