// Calls for help: kept on the phone at once, sent again and again, and shown until they are over.
import { API, ask, Away, Refused } from "./api";
import { newId } from "./ids";
import { entries } from "./journal";
import { follow, placeNow, unfollow } from "./place";
import { dataOf, plan } from "./plan";
import { knownPeople, session } from "./session";
import { buzz, quiet, wail } from "./signals";
import { say } from "./speech";
import { read, rewrite } from "./store";
import { now } from "./time";
import type { Call, SenderView } from "./types";

const ASK_AGAIN_MS = 2_000;
const ALOUD_AFTER_MS = 5_000;
// An answer may take longer than the next try: whichever comes first counts.
const MOST_UNDER_WAY = 3;
const PLACE_EVERY_MS = 10_000;
// Nobody tells the phone that a silent call is over.
const SILENT_FOR_MS = 3600_000;
const STATES = ["received", "seen", "acknowledged", "coming", "over"] as const;
const HEARD = new EventTarget();

export type Standing = "sending" | "unsent" | (typeof STATES)[number];

/** What is known of a call while the app runs, and not worth keeping. */
interface Trying {
  underWay: number;
  /** Nobody has been reached since the last answer. */
  failing: boolean;
  why: string;
  /** By the monotonic clock: whoever sets the other one must not keep places back. */
  placedAt: number;
}

let calls: Call[] = [];
// What this window has done with: it must not come back with what another window keeps.
const gone = new Set<string>();
let timer = 0;
let awake: WakeLockSentinel | null = null;
const trying = new Map<string, Trying>();

export function onCalls(take: () => void): () => void {
  HEARD.addEventListener("change", take);
  return () => HEARD.removeEventListener("change", take);
}

/** Goes on with what was pressed before the app was closed. */
export async function openCalls(): Promise<void> {
  calls = (await read("phone", "calls")) ?? [];
  document.addEventListener("visibilitychange", () => {
    // At once: a phone that is put away may be given no more time than that.
    turn();
    if (document.visibilityState === "visible") void takeOver();
  });
  window.addEventListener("online", () => void turn());
  run();
}

/** Takes on what another window of the app has kept, which may be closed before it told. */
async function takeOver(): Promise<void> {
  const kept = await read("phone", "calls").catch(() => undefined);
  const before = calls.length;
  calls = merged(kept);
  if (calls.length > before) run();
}

/** The calls of this window, behind those that only another one has. */
function merged(kept: Call[] = []): Call[] {
  const own = new Set(calls.map((one) => one.id));
  return [...kept.filter((one) => !own.has(one.id) && !gone.has(one.id)), ...calls];
}

/** The call that is shown, and never a silent one. */
export function shownCall(): Call | undefined {
  const shown = calls.filter((one) => !one.silent && !one.closed);
  return shown.find((one) => !one.practice) ?? shown[0];
}

export interface Sender {
  id: string;
  name: string;
}

/** Who calls for help on this phone, as far as the phone can tell. */
export async function sender(): Promise<Sender | null> {
  if (session) return { id: session.person, name: session.name };
  const people = await knownPeople();
  const held = plan?.phone.person_id ?? heldLast();
  return people.find((one) => one.id === held) ?? null;
}

/** Whose time without signal ran out while they held the phone: they hold it still. */
function heldLast(): string | null {
  const last = entries.filter((one) => one.kind === "sign_in" || one.kind === "sign_out").pop();
  const expired = last?.kind === "sign_out" && dataOf(last)["why"] === "expired";
  return expired ? last.person : null;
}

/** Calls for help, or presses once more. It is on its way before it is on the disk. */
export async function press(how: { silent?: boolean; practice?: boolean } = {}): Promise<void> {
  const who = await sender();
  if (!who) return;
  const { silent = false, practice = false } = how;
  const pressed = { id: newId(), at: now() };
  const standing = calls.find(
    (one) => one.person === who.id && one.silent === silent && one.practice === practice && !one.closed,
  );
  if (standing && standing.said?.state !== "over") {
    standing.presses.push(pressed);
    standing.calledOff = false;
    // Counts how long its places are told; of one that is shown, since when nobody has answered.
    if (silent) standing.pressedAt = pressed.at;
  } else {
    if (standing) forgetCall(standing);
    const at = { pressedAt: pressed.at, presses: [pressed] };
    const rest = { said: null, cancel: null, calledOff: false, closed: false, hushed: false };
    calls.push({ id: pressed.id, person: who.id, name: who.name, silent, practice, ...at, ...rest });
  }
  run();
  await keep();
}

/** Tells that it is over, with the phrase or without; whoever answers sees to the rest. */
export async function callOff(call: Call, phrase: string): Promise<void> {
  call.cancel = { id: newId(), at: now(), phrase };
  call.calledOff = true;
  run();
  await keep();
}

/** Shows a call no more. What it has not told yet still goes out. */
export async function close(call: Call): Promise<void> {
  call.closed = true;
  if (!call.presses.length && !call.cancel) drop(call);
  changed();
  await keep();
}

// --- How it stands -------------------------------------------------------------------------------

export function standingOf(call: Call): Standing {
  if (call.said?.state === "over") return "over";
  if (call.said) return call.said.state;
  if (!call.presses.length) return "received";
  return isUnreached(call) || whyNot(call) ? "unsent" : "sending";
}

/** Why the server takes it not, in its words; empty while it was not reached. */
export function whyNot(call: Call): string {
  return tryingOf(call).why;
}

/** Nobody answers the phone; known without a try where it has no network at all. */
export function isUnreached(call: Call): boolean {
  return tryingOf(call).failing || !navigator.onLine;
}

/** One tap calls it: as the server says, or as the plan did. */
export function numberOf(call: Call | undefined): string | null {
  return call?.said?.call ?? plan?.site.call_number ?? null;
}

/** Sounds once nobody has answered for some seconds, and at once where nobody can be reached. */
export function isAloud(call: Call): boolean {
  if (call.silent || call.hushed || call.calledOff || call.closed) return false;
  if (call.said && !call.said.aloud) return false;
  if (standingOf(call) === "unsent") return true;
  const after = (call.said?.aloud_after_s ?? ALOUD_AFTER_MS / 1000) * 1000;
  // Pressed by a clock that was ahead, it would be quiet until that time has come.
  const since = Math.min(call.pressedAt, Date.parse(call.said?.received_at ?? "") || Infinity);
  return now() - since >= after;
}

// --- Sending -------------------------------------------------------------------------------------

function tryingOf(call: Call): Trying {
  const known = trying.get(call.id) ?? { underWay: 0, failing: false, why: "", placedAt: -Infinity };
  trying.set(call.id, known);
  return known;
}

function run(): void {
  window.clearInterval(timer);
  const again = Math.min(...calls.map((one) => (one.said?.ask_again_s ?? 2) * 1000), ASK_AGAIN_MS);
  timer = calls.length ? window.setInterval(() => void turn(), again) : 0;
  turn();
}

function turn(): void {
  for (const call of [...calls]) void tell(call);
  sound();
  lookAround();
  changed();
}

async function tell(call: Call): Promise<void> {
  const state = tryingOf(call);
  if (state.underWay >= MOST_UNDER_WAY || isOver(call)) return;
  state.underWay += 1;
  try {
    const said = await next(call);
    state.failing = false;
    state.why = "";
    if (said) take(call, said);
  } catch (error) {
    await failed(call, error);
  } finally {
    state.underWay -= 1;
  }
  sound();
  changed();
}

function isOver(call: Call): boolean {
  return call.said?.state === "over" && !call.cancel && !call.presses.length;
}

/** What is to be told next, in the order in which it was done. */
async function next(call: Call): Promise<SenderView | null> {
  const pressed = call.presses[0];
  if (pressed) return sendPress(call, pressed);
  if (call.cancel) return sendCancel(call, call.cancel);
  const placed = await sendPlace(call);
  if (placed) return placed;
  if (!call.silent) return (await ask<SenderView>("GET", pathOf(call))).body;
  if (now() - call.pressedAt > SILENT_FOR_MS) drop(call);
  return null;
}

function pathOf(call: Call, more = ""): string {
  return `${API}/sos/${call.id}${more}`;
}

async function sendPress(call: Call, pressed: Call["presses"][number]): Promise<SenderView> {
  const json = {
    id: pressed.id,
    person_id: call.person,
    kind: call.silent ? "silent" : "open",
    practice: call.practice,
    occurred_at: new Date(pressed.at).toISOString(),
    place: placeNow(),
  };
  const { body } = await ask<SenderView>("POST", `${API}/sos`, { json });
  if (json.place) tryingOf(call).placedAt = performance.now();
  call.presses = call.presses.filter((one) => one.id !== pressed.id);
  await keep();
  return body;
}

async function sendCancel(call: Call, cancel: NonNullable<Call["cancel"]>): Promise<SenderView> {
  const json = { id: cancel.id, phrase: cancel.phrase, occurred_at: new Date(cancel.at).toISOString() };
  const { body } = await ask<SenderView>("POST", pathOf(call, "/cancel"), { json });
  if (call.cancel?.id === cancel.id) call.cancel = null;
  if (call.closed) drop(call);
  await keep();
  return body;
}

async function sendPlace(call: Call): Promise<SenderView | null> {
  const place = placeNow();
  const state = tryingOf(call);
  if (!place || performance.now() - state.placedAt < PLACE_EVERY_MS) return null;
  const json = { id: newId(), place, occurred_at: new Date(now()).toISOString() };
  const { body } = await ask<SenderView>("POST", pathOf(call, "/positions"), { json });
  state.placedAt = performance.now();
  return body;
}

function take(call: Call, said: SenderView): void {
  if (!said.show) {
    // Turned silent by a gesture, here or on another phone: what stands on the screen stays as it is.
    if (!call.silent && !call.hushed) void hush(call);
    return;
  }
  const before = call.said ? STATES.indexOf(call.said.state) : -1;
  const after = STATES.indexOf(said.state);
  // An older answer may come behind a newer one.
  if (after < before) return;
  call.said = said;
  if (after === before) return;
  say(SPOKEN[said.state]);
  if (after > 0) buzz([200, 100, 200]);
  void keep();
}

function hush(call: Call): Promise<void> {
  call.hushed = true;
  return keep();
}

const SPOKEN: Record<SenderView["state"], string> = {
  received: "求助已发出",
  seen: "求助已看到",
  acknowledged: "有人应答了",
  coming: "有人正在赶来",
  over: "求助已结束",
};

async function failed(call: Call, error: unknown): Promise<void> {
  const state = tryingOf(call);
  if (!(error instanceof Refused)) {
    state.failing = true;
    if (error instanceof Away) return;
    throw error;
  }
  state.why = error.message;
  state.failing = false;
  const [pressed] = call.presses;
  if (error.status === 404 && !pressed) {
    // The server knows it no more, restored from a backup: pressed again, as the same.
    call.said = null;
    call.presses = [{ id: call.id, at: call.pressedAt }];
  } else if (error.status === 409 && pressed) {
    const fresh = newId();
    if (call.id === pressed.id) {
      trying.delete(call.id);
      gone.add(call.id);
      call.id = fresh;
    }
    pressed.id = fresh;
  } else {
    return;
  }
  await keep();
}

// --- What it sets going --------------------------------------------------------------------------

function sound(): void {
  if (calls.some(isAloud)) wail();
  else quiet();
}

function lookAround(): void {
  const standing = calls.filter((one) => !isOver(one));
  const seen = document.visibilityState === "visible";
  // The browser may ask whether it may; it must not where nobody shall see that somebody calls.
  if (standing.length && seen) follow(standing.some((one) => !one.silent));
  else unfollow();
  void stayAwake(seen && standing.some((one) => !one.silent && !one.closed));
}

async function stayAwake(wanted: boolean): Promise<void> {
  if (!("wakeLock" in navigator)) return;
  try {
    if (wanted && (!awake || awake.released)) awake = await navigator.wakeLock.request("screen");
    if (!wanted && awake) await awake.release();
  } catch {
    // A battery that runs low refuses it.
  }
  if (!wanted) awake = null;
}

function forgetCall(call: Call): void {
  calls = calls.filter((one) => one !== call);
  trying.delete(call.id);
  gone.add(call.id);
}

function drop(call: Call): void {
  forgetCall(call);
  if (!calls.length) window.clearInterval(timer);
  sound();
  lookAround();
}

let keeping: Promise<void> = Promise.resolve();

function keep(): Promise<void> {
  keeping = keeping.then(() => rewrite("calls", merged)).catch(() => undefined);
  return keeping;
}

function changed(): void {
  HEARD.dispatchEvent(new Event("change"));
}
