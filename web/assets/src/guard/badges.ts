// Badges: a card or its square names a person, on this phone also without signal.
import { isSame, markOf } from "./keys";
import { plan } from "./plan";
import { readText } from "./reading";
import { database } from "./store";
import type { Known } from "./types";

const LONGEST = 80;

/** The number of a badge as it is compared; docs/guard-journal.md, "By badge". */
export function numberOf(written: string): string {
  const kept = written.normalize("NFKC").toUpperCase().replace(/[^\p{L}\p{N}]/gu, "");
  return /^\d+$/.test(kept) ? kept.replace(/^0+(?=\d)/, "") : kept;
}

/** The number in a square that is no address and no code of a checkpoint; else null. */
export function readBadge(text: string): string | null {
  const said = text.trim();
  if (said.length > LONGEST || said.includes("/") || readText(said)) return null;
  return numberOf(said) ? said : null;
}

/** Who of those that signed in here by this badge holds it still, as the last plan has it. */
export async function holderOf(number: string): Promise<Known | undefined> {
  const mark = await markOf(`badge:${numberOf(number)}`);
  const known = await (await database()).getAll("people");
  return known.find((one) => {
    const badge = one.badge;
    const counting = plan?.people.find((each) => each.id === one.id)?.badges ?? [];
    return !!badge && counting.includes(badge.id) && isSame(badge.mark, mark);
  });
}
