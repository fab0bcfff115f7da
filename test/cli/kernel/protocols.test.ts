/** The protocols that real kernels are asked about, in the simulator: sound as they are, found out without a barrier. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CONTROLS, type Sabotage } from "../../../dist/cli/kernel/controls.js";
import { FILE_SYSTEM_NAMES } from "../../../dist/cli/kernel/file-systems.js";
import { LITMUS } from "../../../dist/cli/kernel/litmus.js";
import { plan } from "../../../dist/cli/kernel/plan.js";
import { predict } from "../../../dist/cli/kernel/predict.js";
import { PROTOCOLS } from "../../../dist/cli/kernel/protocols.js";
import { deep, needsWide } from "../../support/deep.ts";

/** What `strict` allows contains what the others do; that is looked at in the long form. */
const PROFILES = deep ? (["strict", ...FILE_SYSTEM_NAMES] as const) : (["strict"] as const);

/** These have sweeps of their own (test/crash), and many states. */
const LARGE: ReadonlySet<string> = new Set(["log-segments", "log-snapshot", "tile-set", "transaction"]);
/** In the narrow form. The kernel tier asks the simulator about all of them. */
const NARROW: ReadonlySet<string> = new Set(["replace", "publish", "log"]);

for (const protocol of PROTOCOLS) {
  describe(`the protocol ${protocol.name}`, { skip: !NARROW.has(protocol.name) && needsWide }, () => {
    const leftOut = LARGE.has(protocol.name) && !deep;
    it("breaks no promise under any profile, and strict leaves all that the others leave", {
      skip: leftOut && "is large: test:proof",
    }, async () => {
      const strict = await predict(protocol, "strict", undefined);
      assert.ok(strict.outcomes.size > 1, "nothing but one outcome");
      for (const profile of PROFILES) {
        const { outcomes, violations } = await predict(protocol, profile, undefined);
        assert.equal(violations, 0, profile);
        assert.deepEqual(
          [...outcomes].filter((outcome) => !strict.outcomes.has(outcome)),
          [],
          profile,
        );
      }
    });

    const { barriers, strictBarriers = [] } = protocol;
    for (const barrier of [...barriers, ...strictBarriers]) {
      const profiles = strictBarriers.includes(barrier) ? (["strict"] as const) : PROFILES;
      it(`is found out under ${barrier}`, async () => {
        for (const profile of profiles) assert.ok((await predict(protocol, profile, barrier, true)).violations > 0, profile);
      });
    }
  });
}

describe("the trials", () => {
  const trials = plan({ long: true, seed: 1 });
  const has = (protocol: string, control: Sabotage): boolean =>
    FILE_SYSTEM_NAMES.every((name) =>
      trials.some((one) => one.fileSystem === name && one.protocol === protocol && one.control === control),
    );

  it("break each barrier of each protocol on each file system", () => {
    for (const { name, barriers } of PROTOCOLS)
      for (const barrier of barriers) assert.ok(has(name, barrier), `${name} ${barrier}`);
  });

  it("have, also in the short form, a control of each kind that has to fail on each file system", () => {
    const short = plan({ long: false, seed: 1 });
    for (const control of ["no-file-sync", "no-directory-sync", "lying-disk"] as const) {
      assert.deepEqual(CONTROLS[control].newName, FILE_SYSTEM_NAMES);
      for (const name of FILE_SYSTEM_NAMES) assert.ok(short.some((one) => one.fileSystem === name && one.control === control));
    }
  });

  it("are known by their names", () => {
    const names = [...PROTOCOLS, ...LITMUS].map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { protocol } of trials) assert.ok(names.includes(protocol));
  });
});
