// Whoever works alone says that they are well, when it is due: asked by the phone itself, with signal or without.
import { API, ask, Away, Refused } from "./api";
import { dataOf } from "./plan";
import { entries, record } from "./journal";
import { session } from "./session";
import { signal } from "./signals";
import { say } from "./speech";
import { read, write } from "./store";
import { contact, kick, onSync } from "./sync";
import { boot, now, running } from "./time";
import type { Entry, OwnWatch } from "./types";

const LOOK_MS = 2_000;
const AGAIN_MS = 20_000;
// What the phone writes down by itself is no sign of life.
const BY_ITSELF = new Set(["battery", "gap"]);
const HEARD = new EventTarget();

let watch: OwnWatch | null = null;
let askedFor = 0;
let warnedAt = 0;
let asking = false;

export function onLone(take: () => void): void {
  HEARD.addEventListener("change", take);
}

export async function beginLone(): Promise<void> {
  watch = (await read("phone", "watch")) ?? null;
  onSync(() => void refresh());
  window.setInterval(look, LOOK_MS);
  look();
}

/** Asks after each time that the server was heard: whoever is signed in may have come on duty since. */
async function refresh(): Promise<void> {
  if (asking || contact.failed || contact.heardAt === askedFor) return;
  asking = true;
  const heard = contact.heardAt;
  try {
    const found = (await ask<{ watch: OwnWatch | null }>("GET", `${API}/lone-worker`)).body.watch;
    askedFor = heard;
    if (JSON.stringify(found) !== JSON.stringify(watch)) {
      watch = found;
      await write("phone", found, "watch");
      look();
      HEARD.dispatchEvent(new Event("change"));
    }
  } catch (error) {
    // What was known last goes on; the next contact asks again.
    if (!(error instanceof Away) && !(error instanceof Refused)) throw error;
  } finally {
    asking = false;
  }
}

/** Whoever holds the phone, if they have to check in. */
export function ownWatch(): OwnWatch | null {
  return watch && watch.person_id === session?.person ? watch : null;
}

/** When the next sign of life is due, in ms by the server's clock; null where none is asked for. */
export function dueAt(): number | null {
  const own = ownWatch();
  if (!own) return null;
  const every = own.every_min * 60_000;
  const shown = entries.filter((one) => one.person === own.person_id && isLife(one)).map(momentOf);
  // What this phone has recorded since counts, whether or not it could be told.
  const due = Math.max(Date.parse(own.due_at), ...shown.map((at) => at + every));
  return due > Date.parse(own.ends_at) ? null : due;
}

export function isDue(): boolean {
  const due = dueAt();
  return due !== null && now() >= due;
}

/** A colleague is looking for them: the time to answer is over. */
export function isMissed(): boolean {
  const own = ownWatch();
  const due = dueAt();
  if (!own || due === null || !isDue()) return false;
  return own.state === "missed" || now() >= due + own.grace_min * 60_000;
}

function isLife(entry: Entry): boolean {
  if (BY_ITSELF.has(entry.kind)) return false;
  return !(entry.kind === "sign_out" && dataOf(entry)["why"] === "expired");
}

/** When it was by the server's clock. Where that was not heard before it, as it is known now. */
export function momentOf(entry: Entry): number {
  const said = JSON.parse(entry.text) as { offset_ms: number | null; boot: string; mono_ms: number };
  if (said.offset_ms !== null) return Math.min(entry.at + said.offset_ms, now());
  // The clock may have been set since; the monotonic one may have stood still. The earlier warns sooner.
  const ran = said.boot === boot ? running() - said.mono_ms : 0;
  return Math.min(entry.at + now() - Date.now(), now() - ran);
}

/** They are well. Recorded like everything else, so it counts at its own time whenever it arrives. */
export async function checkIn(): Promise<void> {
  if (!session) return;
  await record("check_in", {}, { person: session.person });
  signal("recorded");
  say("已报平安");
  warnedAt = 0;
  HEARD.dispatchEvent(new Event("change"));
  kick();
}

let wasDue = false;

function look(): void {
  const due = isDue();
  if (due !== wasDue) HEARD.dispatchEvent(new Event("change"));
  wasDue = due;
  if (!due) {
    warnedAt = 0;
    return;
  }
  if (Date.now() - warnedAt < AGAIN_MS) return;
  warnedAt = Date.now();
  signal("warning");
  say("请报平安");
  HEARD.dispatchEvent(new Event("change"));
}
