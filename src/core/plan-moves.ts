/** The order in which files are renamed: whatever has a name that another one takes has left it before. */
import type { JournalStep } from "../format/journal.ts";

/** A file that gets another name. */
export type Move = JournalStep & { readonly do: "rename" };

/**
 * Puts moves in order. What can't be moved to its place at once goes to a slot first: of those that change places with each other
 * one, and what is in the way itself.
 *
 * @returns What is moved before what is in the way is removed, and what after that.
 */
export function inOrder(
  moves: readonly Move[],
  fold: (path: string) => string,
  isInTheWay: (from: string) => boolean,
  slot: () => string,
): { readonly first: readonly Move[]; readonly last: readonly Move[] } {
  const byFrom = new Map(moves.map((move) => [fold(move.from), move]));
  const first: Move[] = [];
  const last: Move[] = [];
  const placed = new Set<Move>();
  /** What was moved to a slot, and where it is now. */
  const aside = new Map<Move, string>();
  const stash = (move: Move): void => {
    const target = slot();
    first.push({ ...move, target, before: null });
    aside.set(move, target);
  };
  for (const move of moves) if (isInTheWay(move.from)) stash(move);
  for (const start of moves) {
    // From one to whoever has the name that it takes, and so on; then back.
    const chain: Move[] = [];
    for (let move: Move | undefined = start; move && !placed.has(move); move = byFrom.get(fold(move.target))) {
      if (aside.has(move)) break;
      if (chain.includes(move)) {
        stash(move);
        break;
      }
      chain.push(move);
    }
    for (const move of chain.reverse()) {
      if (aside.has(move) || placed.has(move)) continue;
      placed.add(move);
      last.push(move);
    }
  }
  return { first, last: [...last, ...[...aside].map(([move, from]) => ({ ...move, from }))] };
}
