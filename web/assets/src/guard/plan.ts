// What the phone takes along: the plan, how rounds stand by it and by what was recorded here.
import { API, ask } from "./api";
import { answers, entries } from "./journal";
import { read, write } from "./store";
import { now } from "./time";
import type { Entry, Plan, PlanCheckpoint, PlanPoint, PlanRound, PlanTask, Verdict } from "./types";

const SHOWN_AFTER_MS = 6 * 3600_000;

export let plan: Plan | null = null;
let places: Record<string, string> = {};

export async function openPlan(): Promise<void> {
  plan = (await read("phone", "plan")) ?? null;
  places = (await read("phone", "places")) ?? {};
}

export async function refreshPlan(): Promise<void> {
  const tag = plan ? ((await read("phone", "planTag")) ?? "") : "";
  const answer = await ask<Plan>("GET", `${API}/plan`, { tag });
  if (answer.status === 304) return;
  const fresh = { ...answer.body, rounds: [...answer.body.rounds, ...closed(answer.body)] };
  await write("phone", fresh, "plan");
  await write("phone", answer.tag, "planTag");
  plan = fresh;
}

/** The server tells open rounds only; one that was gone here can be looked at for some hours more. */
function closed(fresh: Plan): PlanRound[] {
  const told = new Set(fresh.rounds.map((one) => one.id));
  return (plan?.rounds ?? [])
    .filter((one) => !told.has(one.id) && now() < Date.parse(one.ends_at) + SHOWN_AFTER_MS)
    .filter((one) => entries.some((entry) => placed(entry)?.round === one.id))
    .map((one) => ({ ...one, state: "closed" }));
}

/** What was just told of the tasks, which changes sooner than the rest of the plan. */
export async function keepTasks(tasks: PlanTask[]): Promise<void> {
  if (!plan) return;
  plan = { ...plan, tasks };
  await write("phone", plan, "plan");
}

export function checkpointOf(id: string): PlanCheckpoint | undefined {
  return plan?.checkpoints.find((one) => one.id === id);
}

// --- Codes whose place is known ------------------------------------------------------------------

/** Of a printed code or plain tag: what it says. A signed tag says something else each time. */
export function fixedPart(shown: unknown): string {
  const said = shown as { kind?: string; code?: string; uid?: string } | undefined;
  if (said?.kind === "printed_code") return `q:${said.code}`;
  return said?.kind === "static_tag" ? `t:${said.uid}` : "";
}

/** The checkpoint at which the server has seen this code before, if any. It decides nothing. */
export function placeOf(shown: unknown): string | null {
  return places[fixedPart(shown)] ?? null;
}

export async function learnPlaces(verdicts: Verdict[]): Promise<void> {
  let learnt = false;
  for (const one of verdicts.filter((each) => each.kind === "scan" && each.checkpoint_id)) {
    const entry = entries.find((each) => each.seq === one.seq);
    const part = entry ? fixedPart(dataOf(entry)["shown"]) : "";
    if (!part || places[part] === one.checkpoint_id) continue;
    places = { ...places, [part]: one.checkpoint_id! };
    learnt = true;
  }
  if (learnt) await write("phone", places, "places");
}

export function dataOf(entry: Entry): Record<string, unknown> {
  return (JSON.parse(entry.text) as { data: Record<string, unknown> }).data;
}

// --- Rounds --------------------------------------------------------------------------------------

/** recorded: it stands in this phone's journal. checked: the server counts it. */
export type PointMark = "open" | "recorded" | "checked" | "refused" | "excused" | "missed" | "noted";

export interface PointView {
  point: PlanPoint;
  mark: PointMark;
  at: number | null;
  verdict: Verdict | null;
}

export interface RoundView {
  round: PlanRound;
  points: PointView[];
  begun: boolean;
  mine: boolean;
  over: boolean;
  done: number;
}

const DONE = new Set<PointMark>(["recorded", "checked", "excused", "noted"]);

export function isDone(mark: PointMark): boolean {
  return DONE.has(mark);
}

/** The rounds of the plan, in order of time, as the phone knows them. */
export function rounds(person: string): RoundView[] {
  return (plan?.rounds ?? [])
    .filter((one) => one.state !== "cancelled")
    .map((one) => view(one, person))
    .sort((left, right) => Date.parse(left.round.planned_at) - Date.parse(right.round.planned_at));
}

export function roundOf(id: string, person: string): RoundView | undefined {
  const found = plan?.rounds.find((one) => one.id === id);
  return found && view(found, person);
}

function view(round: PlanRound, person: string): RoundView {
  const own = entries.filter((one) => placed(one)?.round === round.id);
  const points = round.points.map((point) => pointView(point, own));
  const begun = round.began_at !== null || own.length > 0;
  const others = round.person_id !== null && round.person_id !== person;
  return {
    round,
    points,
    begun,
    mine: !others && (own.length > 0 || !round.began_at || round.person_id === person),
    over: !["planned", "running"].includes(round.state) || now() > Date.parse(round.ends_at),
    done: points.filter((one) => isDone(one.mark)).length,
  };
}

/** Where an entry belongs: as the server said of what counts, and before that as the guard meant. */
function placed(entry: Entry): { round: string; position: number } | null {
  const verdict = answers.get(entry.seq);
  if (entry.kind !== "scan" || verdict?.verdict !== "accepted") return entry.hint;
  if (verdict.round_id === null || verdict.position === null) return null;
  return { round: verdict.round_id, position: verdict.position };
}

function pointView(point: PlanPoint, own: Entry[]): PointView {
  const here = own.filter((one) => placed(one)?.position === point.position);
  const scans = here.filter((one) => one.kind === "scan");
  const last = best(scans);
  const verdict = last ? (answers.get(last.seq) ?? null) : null;
  const at = last?.at ?? (point.scanned_at ? Date.parse(point.scanned_at) : null);
  return { point, mark: markOf(point, last, verdict, here), at, verdict };
}

/** The scan that says most: one that counts, else one that isn't checked, else the last refused. */
function best(scans: Entry[]): Entry | undefined {
  const counting = scans.find((one) => answers.get(one.seq)?.verdict === "accepted");
  return counting ?? scans.find((one) => !answers.has(one.seq)) ?? scans[scans.length - 1];
}

function markOf(
  point: PlanPoint,
  scan: Entry | undefined,
  verdict: Verdict | null,
  here: Entry[],
): PointMark {
  if (point.state === "scanned" || verdict?.verdict === "accepted") return "checked";
  if (scan && !verdict) return "recorded";
  if (point.state === "excused") return "excused";
  if (here.some((one) => one.kind === "note")) return "noted";
  if (verdict?.verdict === "refused") return "refused";
  return point.state === "missed" ? "missed" : "open";
}

/** The point to go to next: the first that is not done. */
export function nextPoint(round: RoundView): PointView | undefined {
  return round.points.find((one) => !isDone(one.mark));
}
