// Hands in what was recorded, in order and once, however often the network breaks off.
import { API, ask, Away, Refused } from "./api";
import { answers, entries, files, head, noteVerdicts, prune, unanswered } from "./journal";
import { ownKeys, signed } from "./keys";
import { learnPlaces, refreshPlan } from "./plan";
import { database, read, write } from "./store";
import { now } from "./time";
import type { Entry, FileState, JournalAnswer } from "./types";

export const APP = "1.0";
const BEAT_MS = 60_000;
const LOW_POWER_BEAT_MS = 180_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;
const MOST_ENTRIES = 100;
// Of the 256 KiB of a batch, what is left for the rest of the body.
const MOST_BYTES = 240 * 1024;
const PIECE_BYTES = 256 * 1024;
const HEARD = new EventTarget();

/** How the phone stands with the server. heardAt: by the phone's clock, ms. */
export const contact = { heardAt: 0, failed: 0, busy: false, why: "", stopped: "" };

let timer = 0;
let again = false;
let lowPower = false;

/** Tells when something came or went; gives back what ends that. */
export function onSync(take: () => void): () => void {
  HEARD.addEventListener("change", take);
  return () => HEARD.removeEventListener("change", take);
}

function changed(): void {
  HEARD.dispatchEvent(new Event("change"));
}

export async function beginSync(): Promise<void> {
  const stopped = (await read("phone", "stopped")) ?? "";
  // It may have been found since: asked once at each start, and whenever its guard asks.
  contact.stopped = stopped === LOST ? "" : stopped;
  lowPower = (await read("settings", "lowPower")) === true;
  window.addEventListener("online", () => hurry());
  window.addEventListener("offline", changed);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") hurry();
  });
  kick();
}

export function setLowPower(low: boolean): void {
  lowPower = low;
}

/** There is something to tell: at once, unless the last attempts failed and it waits for its turn. */
export function kick(): void {
  if (contact.failed === 0) hurry();
}

/** A phone that was lost may have been found: asks, and says so again if it was not. */
export function askAgain(): void {
  contact.stopped = "";
  hurry();
}

/** Tries now. */
export function hurry(): void {
  window.clearTimeout(timer);
  if (contact.busy) again = true;
  else void turn();
}

async function turn(): Promise<void> {
  if (contact.stopped || !(await read("phone", "id"))) return;
  contact.busy = true;
  again = false;
  try {
    await alone(exchange);
    contact.heardAt = Date.now();
    contact.failed = 0;
    contact.why = "";
  } catch (error) {
    await failed(error);
  } finally {
    contact.busy = false;
  }
  changed();
  if (contact.stopped) return;
  timer = window.setTimeout(() => void turn(), again ? 0 : pause());
}

/** One tab at a time hands in, where the browser can see to that; the server copes with two. */
async function alone(work: () => Promise<void>): Promise<void> {
  if (!navigator.locks) return work();
  await navigator.locks.request("guard-sync", work);
}

/** Something got through: over a bad network the next try is soon, however much is left. */
function progress(): void {
  contact.failed = 0;
  contact.heardAt = Date.now();
}

function pause(): number {
  if (contact.failed === 0) return lowPower ? LOW_POWER_BEAT_MS : BEAT_MS;
  const longest = Math.min(FIRST_RETRY_MS * 2 ** (contact.failed - 1), LONGEST_RETRY_MS);
  // Phones that lost the same server must not come back in the same moment.
  return longest * (0.5 + Math.random() / 2);
}

async function failed(error: unknown): Promise<void> {
  if (error instanceof Refused && STOPPING.has(error.code)) {
    contact.stopped = error.code;
    await write("phone", error.code, "stopped");
    return;
  }
  contact.failed += 1;
  contact.why = error instanceof Refused ? error.message : "";
  if (!(error instanceof Away) && !(error instanceof Refused)) throw error;
}

// After these nothing that the phone tries would help; what it holds stays on it.
const LOST = "phone_lost";
const STOPPING = new Set(["fork", "chain", LOST, "phone_retired"]);

// Its entry was refused, or it is larger than that said.
const UNWANTED = new Set([404, 413]);

async function exchange(): Promise<void> {
  let told: FileState[] = [];
  let from = unanswered()[0]?.seq ?? Infinity;
  for (;;) {
    const batch = cut(entries.filter((one) => one.seq >= from && !answers.has(one.seq)));
    const answer = await handIn(batch);
    if (typeof answer === "number") {
      // The server stands further back than we thought: it was restored from a backup.
      from = answer + 1;
      if (!(await resendFrom(from))) throw new Refused(409, "gap", {});
      continue;
    }
    if (batch.length) progress();
    await noteVerdicts(answer.verdicts);
    await learnPlaces(answer.verdicts);
    changed();
    told = answer.files;
    if (!batch.length || !unanswered().length) break;
    from = unanswered()[0]!.seq;
  }
  await sendFiles(told);
  await refreshPlan();
  await prune();
}

/** Forgets the answers from there on, so that these entries go again; false if they are gone. */
async function resendFrom(seq: number): Promise<boolean> {
  if (!entries.some((one) => one.seq === seq)) return false;
  const db = await database();
  await db.delete("answers", IDBKeyRange.lowerBound(seq));
  for (const known of [...answers.keys()]) if (known >= seq) answers.delete(known);
  return true;
}

/** As much of it as one batch takes. */
function cut(waiting: Entry[]): Entry[] {
  const batch: Entry[] = [];
  let bytes = 0;
  for (const one of waiting.slice(0, MOST_ENTRIES)) {
    bytes += new Blob([JSON.stringify(one.text)]).size + 1;
    if (batch.length && bytes > MOST_BYTES) break;
    batch.push(one);
  }
  return batch;
}

/** What the server answers to a batch; where it lacks what goes before, the number that it has. */
async function handIn(batch: Entry[]): Promise<JournalAnswer | number> {
  const last = batch[batch.length - 1];
  const id = (await read("phone", "id")) ?? "";
  const said = last ? `wk-journal-1\n${id}\n${last.seq}\n${last.hash}` : null;
  const json = {
    entries: batch.map((one) => one.text),
    signature: said === null ? null : await signed(await ownKeys(), said),
    head: (await head()).seq,
    sent_at: new Date().toISOString(),
    app: APP,
    storage: await storage(),
  };
  try {
    return (await ask<JournalAnswer>("POST", `${API}/journal`, { json })).body;
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "gap") throw error;
    return Number(error.more["accepted"]);
  }
}

async function storage(): Promise<{ persisted: boolean; free_mb: number | null }> {
  const persisted = (await navigator.storage?.persisted?.()) ?? false;
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
  const free = quota === undefined ? null : Math.floor((quota - (usage ?? 0)) / 2 ** 20);
  return { persisted, free_mb: free };
}

async function sendFiles(told: FileState[]): Promise<void> {
  const open = new Map(told.map((one) => [one.id, one]));
  const answered = new Set(entries.filter((one) => answers.has(one.seq)).map((one) => one.id));
  for (const file of [...files.values()].filter((one) => one.state === "waiting")) {
    const entry = entries.find((one) => one.kind === "file" && one.text.includes(file.id));
    // Its entry goes first, and binds its hash.
    if (entry && !answered.has(entry.id)) continue;
    try {
      await sendFile(file.id, open.get(file.id) ?? (await askFile(file.id)));
    } catch (error) {
      // One that the server won't have stays here, and must not hold up those behind it or the plan.
      if (!(error instanceof Refused) || !UNWANTED.has(error.status)) throw error;
    }
  }
}

async function askFile(id: string): Promise<FileState> {
  return (await ask<FileState>("GET", `${API}/files/${id}`)).body;
}

async function sendFile(id: string, stands: FileState): Promise<void> {
  const bytes = (await (await database()).get("files", id))?.bytes;
  let state = stands;
  while (bytes && state.state === "waiting" && state.received < bytes.byteLength) {
    state = await sendPiece(id, bytes, state.received);
    progress();
    const shown = files.get(id);
    if (shown) shown.received = state.received;
    changed();
  }
  if (state.state === "complete" || state.state === "unusable") await done(id, state);
}

async function sendPiece(id: string, bytes: ArrayBuffer, from: number): Promise<FileState> {
  const piece = bytes.slice(from, from + PIECE_BYTES);
  try {
    const path = `${API}/files/${id}/${from}`;
    return (await ask<FileState>("PUT", path, { bytes: piece })).body;
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "offset") throw error;
    return askFile(id);
  }
}

/** The server has it whole: the phone keeps what it was, and lets go of its bytes. */
async function done(id: string, state: FileState): Promise<void> {
  const db = await database();
  const change = db.transaction("files", "readwrite", { durability: "strict" });
  const kept = await change.store.get(id);
  if (kept) {
    const after = { ...kept, bytes: null, state: state.state, received: kept.size };
    await change.store.put(after);
    files.set(id, after);
  }
  await change.done;
  changed();
}

/** How much waits to be told. */
export function waiting(): { entries: number; files: number } {
  const open = [...files.values()].filter((one) => one.state === "waiting");
  return { entries: unanswered().length, files: open.length };
}

/** Whether the server was heard within three beats. */
export function isInContact(): boolean {
  const patience = 3 * (lowPower ? LOW_POWER_BEAT_MS : BEAT_MS);
  return contact.failed === 0 && contact.heardAt > Date.now() - patience && now() > 0;
}
