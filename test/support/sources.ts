/** Sources of data that behave in a certain way, and gates to hold things until the test says so. */

/** A promise and how to settle it. */
export interface Gate {
  readonly passed: Promise<void>;
  readonly open: () => void;
}

export function gate(): Gate {
  let open!: () => void;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** What has become of a source. */
export interface Watched {
  readonly data: AsyncIterable<string>;
  /** Resolves when the first chunk is asked for. */
  readonly begun: Promise<void>;
  /** Resolves when its `finally` has run. */
  readonly ended: Promise<void>;
}

/** Gives `first`, then nothing until `until` is opened, then `last`. */
export function slow(first: string, until: Promise<void>, last = ""): Watched {
  const begun = gate();
  const ended = gate();
  const data = (async function* () {
    begun.open();
    try {
      yield first;
      await until;
      yield last;
    } finally {
      ended.open();
    }
  })();
  return { data, begun: begun.passed, ended: ended.passed };
}

/** A source that gives `first` and then stalls for ever; `returned` says whether it was left. */
export function stalled(first = "x".repeat(100_000)): {
  readonly data: AsyncIterable<string>;
  readonly asked: Promise<void>;
  readonly returned: () => boolean;
} {
  const asked = gate();
  let count = 0;
  let returned = false;
  const data: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        if (count++ === 0) return Promise.resolve({ done: false, value: first });
        asked.open();
        return new Promise(() => {});
      },
      return: () => {
        returned = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  return { data, asked: asked.passed, returned: () => returned };
}
