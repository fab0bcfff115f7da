/** A reporter for `node --test` that a tier can count: one JSON text for each test that has ended, and each diagnostic. */
export default async function* reporter(events) {
  for await (const { type, data } of events) {
    if (type === "test:diagnostic" && data.file) yield line({ file: data.file, note: data.message });
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (data.details?.type === "suite") continue; // its tests count; what fails in the suite itself fails them too
    const { file = "", name, skip } = data;
    const error = data.details?.error;
    const outcome = type === "test:fail" ? "failed" : skip === undefined ? "passed" : "skipped";
    yield line({
      file,
      name,
      outcome,
      ...(outcome === "skipped" ? { why: skip === true ? "no reason given" : String(skip) } : {}),
      ...(outcome === "failed" ? { error: String(error?.cause?.stack ?? error?.cause ?? error?.stack ?? error) } : {}),
    });
  }
}

function line(value) {
  return `${JSON.stringify(value)}\n`;
}
