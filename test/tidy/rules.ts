/** Every rule, by the name its test has. */
import { deadExports, deadFiles, layers, packages } from "./imports.ts";
import { moduleForm, sizes } from "./modules.ts";
import { asyncInCore, blindCatch, consoleOutsideCli, floatingPrograms, untypedErrors, yieldInFinally } from "./programs.ts";
import type { Rule } from "./project.ts";
import { seam } from "./seam.ts";
import { ascii, documents, leftovers, machineTraces } from "./texts.ts";

export const RULES = {
  layers,
  seam,
  packages,
  deadFiles,
  deadExports,
  moduleForm,
  sizes,
  floatingPrograms,
  yieldInFinally,
  asyncInCore,
  blindCatch,
  untypedErrors,
  consoleOutsideCli,
  leftovers,
  ascii,
  machineTraces,
  documents,
} satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;
