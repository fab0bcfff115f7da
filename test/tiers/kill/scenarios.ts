/** Every write protocol, by the public API. */
import { SCENARIOS as CHECKPOINTS } from "./checkpoints.ts";
import { SCENARIOS as FILES } from "./files.ts";
import { SCENARIOS as LOGS } from "./logs.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS as TILES } from "./tiles.ts";
import { SCENARIOS as TRANSACTIONS } from "./transactions.ts";

export const SCENARIOS: readonly Scenario[] = [...FILES, ...CHECKPOINTS, ...LOGS, ...TRANSACTIONS, ...TILES];
