/** Checked by the compiler only: what must be an error has `@ts-expect-error` before it. */
import { type ErrorCode, HoldfastError, isHoldfastError, type Outcome } from "holdfast";

export function narrows(error: unknown): Outcome | undefined {
  // @ts-expect-error An unknown value has no fields.
  error.code;
  // @ts-expect-error There is no such code.
  isHoldfastError(error, "NO_SUCH_CODE");
  if (!isHoldfastError(error, "NO_SPACE", "BUSY")) return undefined;
  const code: ErrorCode = error.code;
  // @ts-expect-error Fields are for reading.
  error.outcome = "unchanged";
  return code === "NO_SPACE" ? error.outcome : undefined;
}

export const isError = (value: HoldfastError): Error => value;
export const isClass = (value: unknown): value is HoldfastError => value instanceof HoldfastError;
