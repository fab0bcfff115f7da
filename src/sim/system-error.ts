/** Errors of a simulated system, in the form Node gives to those of a real one. */

/** The error of one failed request: `code`, `syscall` and, where the request names one, `path` (and `dest`). */
export function systemError(code: string, syscall: string, path?: string, dest?: string): Error {
  const where = path === undefined ? "" : ` '${path}'${dest === undefined ? "" : ` -> '${dest}'`}`;
  const fields = { code, syscall, ...(path === undefined ? {} : { path }), ...(dest === undefined ? {} : { dest }) };
  return Object.assign(new Error(`${code}: simulated, ${syscall}${where}`), fields);
}
