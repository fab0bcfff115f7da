/** What a tier needs of the system, from Debian's packages where that is ours to install. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** Installs `packages` if `command` is missing and this is root on a system with apt; else the tier says what is missing. */
export function ensureCommand(command, ...packages) {
  const isThere = (name) => (process.env.PATH ?? "").split(path.delimiter).some((dir) => fs.existsSync(path.join(dir, name)));
  if (isThere(command) || process.getuid?.() !== 0 || !isThere("apt-get")) return;
  console.error(`holdfast: installing ${packages.join(" ")} (apt-get)`);
  const apt = (...args) =>
    spawnSync("apt-get", ["-qq", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "ignore", "inherit"],
    });
  const install = () => apt("install", "-y", "--no-install-recommends", ...packages).status === 0;
  if (install()) return; // the lists of packages may be old, or not there at all
  apt("update");
  install();
}
