/** Checked by the compiler only: what must be an error has `@ts-expect-error` before it. */
import { type UpdateResult, updateFile, updateFileSync, updateJson } from "holdfast";
import { acquireLock, Lock, tryLock, withLock } from "holdfast/lock";

export async function locks(signal: AbortSignal): Promise<void> {
  await using lock: Lock = await acquireLock(new URL("file:///x.lock"), { shared: true, timeoutMs: 5, signal });
  const maybe = await tryLock("x.lock");
  // @ts-expect-error It may be undefined.
  await maybe.release();
  // @ts-expect-error What does not wait has no time limit.
  await tryLock("x.lock", { timeoutMs: 5 });
  const seven: number = await withLock("x.lock", async ({ previousOwnerDied }) => (previousOwnerDied ? 7 : 8));
  // @ts-expect-error There is no such option.
  await acquireLock("x.lock", { stale: 10 });
  // @ts-expect-error Locks are made by functions.
  new Lock("x.lock");
  void [lock, seven];
}

export async function updates(schema: {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): { readonly value: { readonly a: number } };
  };
}): Promise<void> {
  const result: UpdateResult = await updateFile("x", async (old) => (old ? old.subarray(1) : undefined));
  // @ts-expect-error Nothing was written if nothing has changed.
  void result.sizeBytes;
  if (result.changed) void (result.sizeBytes satisfies number);
  // @ts-expect-error A number is not content.
  await updateFile("x", () => 5);
  // @ts-expect-error There is always a file to compare with.
  await updateFile("x", () => "", { ifAbsent: true });
  // @ts-expect-error What comes later can't be written synchronously.
  updateFileSync("x", async () => "");
  // @ts-expect-error Nothing to abort.
  updateFileSync("x", () => "", { signal: AbortSignal.abort() });
  await updateJson<{ a: number }>("x", (old) => ({ a: (old?.a ?? 0) + 1 }));
  await updateJson("x", (old) => old && { a: old.a + 1 }, { schema });
  // @ts-expect-error The schema says what it is.
  await updateJson("x", () => ({ b: 1 }), { schema });
}
