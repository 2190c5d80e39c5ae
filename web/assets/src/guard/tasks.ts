// Alarms that the guard is asked to go to: asked for every few seconds, and answered with signal.
import { API, ask, Away, Refused } from "./api";
import { go, where } from "./go";
import { entries, record } from "./journal";
import { momentOf } from "./lone";
import { dataOf, keepTasks, plan } from "./plan";
import { session } from "./session";
import { signal } from "./signals";
import { say } from "./speech";
import { read } from "./store";
import { kick, onSync } from "./sync";
import { now } from "./time";
import type { PlanTask } from "./types";

const LOOK_MS = 10_000;
const LOW_POWER_LOOK_MS = 30_000;
const RING_MS = 4_000;
const HEARD = new EventTarget();

export type Answer = "accept" | "pass" | "give_back";

interface Told {
  items: PlanTask[];
}

let tag = "";
// What was told last; a plan that was asked for before it may have put something older in its place.
let taken: PlanTask[] | undefined;
let looking = false;
let timer = 0;
// Offers that were shown already, so that the screen is taken over once for each.
const shown = new Set<string>();

/** Tells when the tasks have changed; gives back what ends that. */
export function onTasks(take: () => void): () => void {
  HEARD.addEventListener("change", take);
  return () => HEARD.removeEventListener("change", take);
}

function changed(): void {
  HEARD.dispatchEvent(new Event("change"));
}

export function beginTasks(): void {
  // What was recorded may have been taken for an arrival.
  onSync(announce);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void look();
  });
  window.setInterval(ring, RING_MS);
  void look();
}

/** The tasks of whoever is signed in, as the phone knows them. */
export function tasks(): PlanTask[] {
  const own = (plan?.tasks ?? []).filter((one) => one.person_id === session?.person);
  return own.filter((one) => !said(one, "finished"));
}

export function taskOf(id: string): PlanTask | undefined {
  return tasks().find((one) => one.id === id);
}

/** Whether an offer can still be answered. */
export function isOpen(task: PlanTask): boolean {
  return task.state === "offered" && (!task.answer_by || Date.parse(task.answer_by) > now());
}

/** Whether somebody said on this phone that they are there, or that it is done. */
export function said(task: PlanTask, what: "arrived" | "finished"): boolean {
  const since = Date.parse(task.accepted_at ?? task.offered_at ?? "") || 0;
  return entries.some((one) => {
    if (one.kind !== "task" || one.person !== session?.person || momentOf(one) < since - 60_000) return false;
    const data = dataOf(one);
    return data["task"] === task.id && data["what"] === what;
  });
}

/** Whether something was scanned here since they set out, that the server has not judged yet. */
export function hasScanned(task: PlanTask): boolean {
  const since = Date.parse(task.accepted_at ?? "") || Infinity;
  return entries.some((one) => one.kind === "scan" && one.person === session?.person && momentOf(one) >= since);
}

/** What a guard says of their task; kept on the phone, so it needs no signal. */
export async function tell(task: PlanTask, what: "arrived" | "finished"): Promise<void> {
  await record("task", { task: task.id, what }, { person: session?.person ?? null });
  signal("recorded");
  kick();
  changed();
}

/** Only the server can say whether it is still theirs. Gives back why not, or nothing. */
export async function answer(task: PlanTask, given: Answer, reason = "other"): Promise<string | null> {
  try {
    const path = `${API}/tasks/${task.id}`;
    const answered = await ask<Told>("POST", path, { json: { answer: given, reason } });
    await take(answered.body.items);
    return null;
  } catch (error) {
    if (error instanceof Away) return "";
    if (!(error instanceof Refused)) throw error;
    void look();
    return error.message;
  }
}

async function look(): Promise<void> {
  window.clearTimeout(timer);
  if (session && !looking && document.visibilityState === "visible") {
    looking = true;
    try {
      const answered = await ask<Told>("GET", `${API}/tasks`, { tag: plan?.tasks === taken ? tag : "" });
      if (answered.status !== 304) {
        tag = answered.tag;
        await take(answered.body.items);
      }
    } catch (error) {
      // Without signal the plan that is here goes on; what else is wrong is told by the journal.
      if (!(error instanceof Away) && !(error instanceof Refused)) throw error;
    } finally {
      looking = false;
    }
  }
  const low = (await read("settings", "lowPower")) === true;
  timer = window.setTimeout(() => void look(), low ? LOW_POWER_LOOK_MS : LOOK_MS);
}

async function take(items: PlanTask[]): Promise<void> {
  taken = items;
  await keepTasks(items);
  announce();
  changed();
}

/** An offer comes before whatever else is on the screen, unless somebody is writing. */
function announce(): void {
  const fresh = tasks().find((one) => isOpen(one) && !shown.has(keyOf(one)));
  if (!fresh) return;
  shown.add(keyOf(fresh));
  ring();
  say("有报警，请前往查看");
  const writes = document.activeElement?.matches("textarea, input");
  if (!writes && where().name !== "sign-in") go("task", { id: fresh.id });
}

function keyOf(task: PlanTask): string {
  return `${task.id} ${task.offered_at}`;
}

/** Rings until it is answered, or no more theirs. */
function ring(): void {
  if (session && tasks().some(isOpen)) signal("alarm");
}
