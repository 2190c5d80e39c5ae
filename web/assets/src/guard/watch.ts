// What the phone watches by itself: rounds that are due, its battery, its own gaps.
import { battery } from "./ground";
import { record } from "./journal";
import { checkpointOf, isDone, plan, rounds, type RoundView } from "./plan";
import { adoptSession, endIfExpired, session } from "./session";
import { signal } from "./signals";
import { say } from "./speech";
import { read, write } from "./store";
import { kick } from "./sync";
import { lookAtClocks, now } from "./time";
import type { PlanWarning } from "./types";
import { _, named } from "./words";

const LOOK_MS = 5_000;
// One that is older says nothing that the list does not.
const FRESH_MS = 10 * 60_000;
// Our clock is the server's but for what a message is under way.
const AFTER_EDGE_MS = 2_000;
const GAP_MS = 60_000;
const BEGINNING = new Set(["due", "start", "begin_by"]);
const LOW_PERCENT = 15;
const MOST_REMEMBERED = 400;

export interface Told {
  key: string;
  text: string;
  round: string;
}

export const told: Told[] = [];
const HEARD = new EventTarget();
let hiddenAt = 0;
let lowTold = false;
let edgesSeen = 0;
let looking: Promise<void> = Promise.resolve();

export function onWarning(take: () => void): void {
  HEARD.addEventListener("change", take);
}

export async function beginWatch(): Promise<void> {
  await noteClosed();
  document.addEventListener("visibilitychange", () => void noteHidden());
  window.setInterval(() => void look(), LOOK_MS);
  await look();
}

export function dismiss(key: string): void {
  const at = told.findIndex((one) => one.key === key);
  if (at >= 0) told.splice(at, 1);
  HEARD.dispatchEvent(new Event("change"));
}

/** One at a time: two that look at once would both say what neither has noted yet. */
function look(): Promise<void> {
  looking = looking.catch(() => undefined).then(lookOnce);
  return looking;
}

async function lookOnce(): Promise<void> {
  // On a full phone as well the rest is looked at.
  await write("phone", Date.now(), "alive").catch(() => undefined);
  const changed = await adoptSession();
  await noteJump();
  const ended = await endIfExpired();
  // Warnings are for whoever goes; the next one gets their own.
  const stale = !session && told.splice(0).length > 0;
  if (ended || stale || changed) HEARD.dispatchEvent(new Event("change"));
  if (!session) return;
  await watchBattery();
  await warn(session.person);
  tellAtEdges(session.person);
}

// --- Warnings ------------------------------------------------------------------------------------

async function warn(person: string): Promise<void> {
  const given = (await read("phone", "warned")) ?? [];
  const due = rounds(person).flatMap((round) =>
    latest(round.round.warnings.filter((one) => isFresh(one) && !isMoot(round, one))).map((one) => ({
      round,
      one,
      key: `${round.round.id}.${one.what}.${one.position ?? ""}`,
    })),
  );
  const fresh = due.filter(({ key }) => !given.includes(key));
  // In the words of now: points are scanned meanwhile, and the language can be changed.
  const still = told.flatMap((one) =>
    due
      .filter(({ key }) => key === one.key)
      .map(({ round, one: warning }) => ({ ...one, text: wording(round, warning) })),
  );
  const reworded = still.some((one, index) => one.text !== told[index]?.text);
  const changes = fresh.length > 0 || still.length < told.length || reworded;
  told.splice(0, told.length, ...still);
  for (const { round, one, key } of fresh) {
    told.push({ key, text: wording(round, one), round: round.round.id });
  }
  if (changes) HEARD.dispatchEvent(new Event("change"));
  if (!fresh.length) return;
  await write("phone", [...given, ...fresh.map(({ key }) => key)].slice(-MOST_REMEMBERED), "warned");
  signal("warning");
  say("请注意巡更任务");
}

/** Only from us does the server know that a point was passed over: it hears so at once. */
function tellAtEdges(person: string): void {
  const since = edgesSeen;
  edgesSeen = now() - AFTER_EDGE_MS;
  const isOver = (at: string) => Date.parse(at) > since && Date.parse(at) <= edgesSeen;
  const passed = rounds(person).some(
    (round) =>
      round.mine &&
      round.begun &&
      round.points.some(({ point, mark }) => !isDone(mark) && isOver(point.closes_at)),
  );
  if (passed) kick();
}

/** Of those about the beginning only the last: "in 5 minutes" is wrong once it is due. */
function latest(warnings: PlanWarning[]): PlanWarning[] {
  const beginning = warnings.filter((one) => BEGINNING.has(one.what));
  const last = beginning[beginning.length - 1];
  return warnings.filter((one) => !BEGINNING.has(one.what) || one === last);
}

function isFresh(one: PlanWarning): boolean {
  const at = Date.parse(one.at);
  return at <= now() && at > now() - FRESH_MS;
}

/** What has been done since needs no warning. */
function isMoot(round: RoundView, one: PlanWarning): boolean {
  if (round.over || !round.mine) return true;
  if (one.what === "ending") return !round.begun || round.points.every(({ mark }) => isDone(mark));
  if (one.what !== "closing") return round.begun;
  const point = round.points.find(({ point }) => point.position === one.position);
  return !round.begun || !point || isDone(point.mark);
}

function wording(round: RoundView, one: PlanWarning): string {
  const route = named(round.round.route.name);
  if (one.what === "due") return _("{route} begins in 5 minutes.", { route });
  if (one.what === "start") return _("{route} is due now.", { route });
  if (one.what === "begin_by") return _("{route} is late: begin it now.", { route });
  if (one.what === "ending") {
    const left = round.points.length - round.done;
    return _("{route} ends in 10 minutes, and {left} points are open.", { route, left });
  }
  const point = round.points.find((each) => each.point.position === one.position);
  const place = named(checkpointOf(point?.point.checkpoint_id ?? "")?.name);
  return _("{place}: 5 minutes left.", { place });
}

// --- The phone itself ----------------------------------------------------------------------------

async function watchBattery(): Promise<void> {
  const found = await battery();
  if (!found) return;
  const percent = Math.round(found.level * 100);
  const low = percent <= LOW_PERCENT && !found.charging;
  if (low && !lowTold) {
    await record("battery", { percent, charging: false }, { person: session?.person ?? null });
    kick();
  }
  lowTold = low;
}

/** The app was shut, or the phone was off, while somebody was signed in. */
async function noteClosed(): Promise<void> {
  const alive = (await read("phone", "alive")) ?? 0;
  if (!session || !alive || Date.now() - alive < GAP_MS) return;
  await gap("closed", alive);
}

async function noteHidden(): Promise<void> {
  if (document.visibilityState === "hidden") {
    hiddenAt = Date.now();
    return;
  }
  const since = hiddenAt;
  hiddenAt = 0;
  // In another window the phone may have changed hands.
  if (await adoptSession()) HEARD.dispatchEvent(new Event("change"));
  if (since && session && Date.now() - since >= GAP_MS) await gap("hidden", since);
  await look();
}

/** The clock was set while the app ran: against the one that nobody sets. */
async function noteJump(): Promise<void> {
  if (lookAtClocks() && session && plan) await gap("clock", null);
}

async function gap(what: "hidden" | "closed" | "clock", since: number | null): Promise<void> {
  const at = since === null ? null : new Date(since).toISOString();
  await record("gap", { what, since: at }, { person: session?.person ?? null });
  kick();
}
