/**
 * Look-ups of one directory that calls made at the same moment share: 64 writes to one directory, started in a loop, ask
 * once where it really is instead of 64 times.
 *
 * The request goes out when the code that made the calls has run to its end or its first `await`, so that each caller gets
 * what is true after its call, never an answer that was on its way before.
 */
import type { Io } from "./io.ts";

/** Wraps a machine so that equal look-ups of one moment are one request. */
export function sharingLookups(io: Io): Io {
  return { ...io, realPath: shared(io.realPath), stat: shared(io.stat) };
}

function shared<T>(lookUp: (path: string) => Promise<T> | T): (path: string) => Promise<T> {
  const asked = new Map<string, Promise<T>>();
  const ask = async (path: string): Promise<T> => {
    await undefined;
    asked.delete(path);
    return await lookUp(path);
  };
  return (path) => {
    let answer = asked.get(path);
    if (!answer) {
      answer = ask(path);
      asked.set(path, answer);
    }
    return answer;
  };
}
