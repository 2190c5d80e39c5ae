// From what was read to what is recorded: the one way for tags, squares, digits and positions.
import { record } from "./journal";
import { checkpointOf, nextPoint, placeOf, plan, roundOf, rounds, type RoundView } from "./plan";
import type { Shown } from "./reading";
import { session } from "./session";
import { signal } from "./signals";
import { kick } from "./sync";
import { now } from "./time";
import type { Entry } from "./types";
import { _, named } from "./words";

// A tag that stays at the phone is read again and again, a square as long as it is in view.
const SAME_MS = 15_000;

let last = { key: "", at: 0 };

export interface Done {
  /** Nothing for the same again. */
  entry: Entry | null;
  text: string;
  /** From the reading until it stood in the journal, ms. */
  took: number;
}

/** Records a scan. round, position: where the guard meant to be, if on a round; post: if at one. */
export async function scanned(
  shown: Shown,
  round = "",
  position = -1,
  post = "",
): Promise<Done> {
  const began = performance.now();
  // Who takes the phone over touches the tag of the post that the one before has just touched.
  const key = JSON.stringify([session?.person, shown]);
  if (key === last.key && began - last.at < SAME_MS) {
    return { entry: null, text: _("Already recorded"), took: 0 };
  }
  last = { key, at: began };
  const hint = post ? null : meant(shown, round, position);
  let entry: Entry;
  try {
    entry = await record("scan", { shown }, { person: session?.person ?? null, hint, post });
  } catch (error) {
    // It stands nowhere: the next reading is the first one.
    last = { key: "", at: 0 };
    throw error;
  }
  const took = performance.now() - began;
  performance.measure("scan-recorded", { start: began, duration: took });
  signal("recorded");
  kick();
  const name = named(plan?.posts?.find((one) => one.id === post)?.name);
  return { entry, text: name ? _("{place}: recorded", { place: name }) : wording(hint), took };
}

/** Which point it is for: the one whose code this is, else the one that the guard goes to. */
function meant(shown: Shown, round: string, position: number): Entry["hint"] {
  const place = placeOf(shown) ?? ("checkpoint_id" in shown ? shown.checkpoint_id : null);
  const going = round ? roundOf(round, session?.person ?? "") : undefined;
  const under = open().filter((one) => one.begun && one.done < one.points.length);
  // Touched outside of a round's screen, by a tag that opens itself: it is for the one under way.
  if (!place && !going && under.length === 1) {
    return { round: under[0]!.round.id, position: target(under[0]!, null) };
  }
  const candidates = going ? [going] : open();
  if (place) {
    const found = candidates.map((one) => at(one, place)).find((one) => !!one);
    if (found) return found;
  }
  if (!going || position < 0) return null;
  return { round, position };
}

function open(): RoundView[] {
  const all = rounds(session?.person ?? "").filter((one) => one.mine && !one.over);
  return all.filter((one) => Date.parse(one.round.opens_at) <= now());
}

function at(view: RoundView, checkpoint: string): Entry["hint"] {
  const here = view.points.filter((one) => one.point.checkpoint_id === checkpoint);
  const found = here.find((one) => one.mark === "open") ?? here[0];
  return found ? { round: view.round.id, position: found.point.position } : null;
}

function wording(hint: Entry["hint"]): string {
  const view = hint ? roundOf(hint.round, session?.person ?? "") : undefined;
  const point = view?.points.find((one) => one.point.position === hint?.position);
  const name = named(checkpointOf(point?.point.checkpoint_id ?? "")?.name);
  return name ? _("{place}: recorded", { place: name }) : _("Recorded");
}

/** The point that a scan on this round is for, unless the guard chose another. */
export function target(view: RoundView, chosen: number | null): number {
  return chosen ?? nextPoint(view)?.point.position ?? -1;
}
