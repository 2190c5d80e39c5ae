// Hands in what was recorded, in order and once, however often the network breaks off.
import { API, ask, Away, Refused } from "./api";
import { changed, contact, gotThrough, steadily } from "./contact";
import { takeAlong } from "./earlier";
import { pruneFiles, sendFiles } from "./files";
import {
  catchUp,
  entries,
  files,
  head,
  lastAnswered,
  noteVerdicts,
  prune,
  resendFrom,
  unanswered,
} from "./journal";
import { ownKeys, signed } from "./keys";
import { learnPlaces, refreshPlan } from "./plan";
import { read, write } from "./store";
import { boot, now, running } from "./time";
import type { Entry, FileState, JournalAnswer } from "./types";

export { contact, onSync } from "./contact";

export const APP = "1.0";
const BEAT_MS = 60_000;
const LOW_POWER_BEAT_MS = 180_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;
const MOST_ENTRIES = 100;
// Of the 256 KiB of a batch, what is left for the rest of the body.
const MOST_BYTES = 240 * 1024;
// A phone that is refused may be found, or its server mended, at any time.
const STOPPED_MS = 600_000;
// As long as this another tab is waited for.
const ALONE_MS = 60_000;
let timer = 0;
let again = false;
// After how many attempts in a row, since something got through or somebody asked, it waits longer.
let waits = 0;
let lowPower = false;

export async function beginSync(): Promise<void> {
  const stopped = (await read("phone", "stopped")) ?? "";
  contact.stopped = FINAL.has(stopped) ? stopped : "";
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

/** What refused this phone may be over: asks, and says so again if it is not. */
export function askAgain(): void {
  contact.stopped = "";
  hurry();
}

/** Tries now; if that fails, soon again. */
export function hurry(): void {
  waits = 0;
  void turn();
}

async function turn(): Promise<void> {
  // Two at once would each go on by itself, for as long as the app is open.
  if (contact.busy) {
    again = true;
    return;
  }
  if (contact.stopped) return;
  window.clearTimeout(timer);
  contact.busy = true;
  again = false;
  let isKnown = true;
  try {
    isKnown = !!(await read("phone", "id"));
    if (isKnown) {
      await alone(exchange);
      gotThrough();
      contact.why = "";
    }
  } catch (error) {
    // Of what nobody thought of the console tells; the next turn comes all the same.
    await failed(error).catch((fault: unknown) => {
      window.setTimeout(() => {
        throw fault;
      });
    });
  } finally {
    contact.busy = false;
  }
  if (!isKnown && !again) return;
  changed();
  if (contact.stopped) {
    if (!FINAL.has(contact.stopped)) timer = window.setTimeout(askAgain, STOPPED_MS);
    return;
  }
  timer = window.setTimeout(() => void turn(), again ? 0 : pause());
}

/** One tab at a time hands in, where the browser can see to that; the server copes with two. */
async function alone(work: () => Promise<void>): Promise<void> {
  if (!navigator.locks) return work();
  const patience = new AbortController();
  const ending = window.setTimeout(() => patience.abort(), ALONE_MS);
  try {
    await navigator.locks.request("guard-sync", { signal: patience.signal }, () => {
      window.clearTimeout(ending);
      return work();
    });
  } catch (error) {
    // The other one sends photos for minutes, or was put to sleep in the middle of it.
    if (!patience.signal.aborted) throw error;
    await work();
  }
}

function pause(): number {
  if (contact.failed === 0) return lowPower ? LOW_POWER_BEAT_MS : BEAT_MS;
  const longest = Math.min(FIRST_RETRY_MS * 2 ** (waits - 1), LONGEST_RETRY_MS);
  // Phones that lost the same server must not come back in the same moment.
  return longest * (0.5 + Math.random() / 2);
}

async function failed(error: unknown): Promise<void> {
  if (error instanceof Refused && (FINAL.has(error.code) || FOR_NOW.has(error.code))) {
    contact.stopped = error.code;
    if (FINAL.has(error.code)) await write("phone", error.code, "stopped");
    return;
  }
  // Anything that got through in between has set this to 0.
  waits = contact.failed ? waits + 1 : 1;
  contact.failed += 1;
  contact.why = error instanceof Refused ? error.message : "";
  if (!(error instanceof Away) && !(error instanceof Refused)) throw error;
}

// After these nothing that the phone tries would help; what it holds stays on it, and goes with it
// when it is made known anew. The others may be over at any time: a phone is found, a server mended.
const FINAL = new Set(["fork", "phone_retired"]);
const GONE = "gone";
const UNKNOWN = "proof";
const FOR_NOW = new Set(["phone_lost", "chain", UNKNOWN, GONE]);

/** What is recorded meanwhile goes before files: a scan must not wait for photos. */
async function exchange(): Promise<void> {
  let told = await tell();
  if (await takeAlong()) told = await tell();
  const planned = steadily(refreshPlan).catch((error: unknown) => error);
  for (;;) {
    await sendFiles(told, () => unanswered().length === 0);
    if (!unanswered().length) break;
    told = await tell();
  }
  const failure = await planned;
  if (failure) throw failure;
  await prune();
  await pruneFiles();
}

/** Hands in until everything is answered; gives back which files the server waits for. */
async function tell(): Promise<FileState[]> {
  let resent = -1;
  for (;;) {
    await catchUp();
    const first = unanswered()[0]?.seq ?? Infinity;
    // Those behind it as well, whether they are answered or not: without a gap.
    const batch = cut(entries.filter((one) => one.seq >= first));
    const answer = await steadily(() => handIn(batch));
    const accepted = typeof answer === "number" ? answer : answer.accepted;
    if (typeof answer !== "number") {
      await noteVerdicts(answer.verdicts);
      await learnPlaces(answer.verdicts);
      changed();
    }
    // The server stands further back than it said once: it was restored from a backup.
    if (typeof answer === "number" || accepted < lastAnswered()) {
      if (accepted === resent || !(await resendFrom(accepted + 1))) throw new Refused(409, GONE, {});
      resent = accepted;
      continue;
    }
    if (batch.length && !answer.verdicts.length) throw new Away("an answer without verdicts");
    if (!unanswered().length) return answer.files;
  }
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
  // What is recorded from here on is not in it.
  const since = performance.now();
  const said = last ? `wk-journal-1\n${id}\n${last.seq}\n${last.hash}` : null;
  const json = {
    entries: batch.map((one) => one.text),
    signature: said === null ? null : await signed(await ownKeys(), said),
    head: (await head()).seq,
    sent_at: new Date().toISOString(),
    boot,
    mono_ms: running(),
    app: APP,
    storage: await storage(),
  };
  try {
    return (await ask<JournalAnswer>("POST", `${API}/journal`, { json, since })).body;
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "gap") throw error;
    return Number(error.more["accepted"]);
  }
}

async function storage(): Promise<{ persisted: boolean; free_mb: number | null }> {
  const persisted = (await navigator.storage?.persisted?.()) ?? false;
  const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
  // A full phone may hold more than its browser allows by now.
  const free = quota === undefined ? null : Math.max(0, Math.floor((quota - (usage ?? 0)) / 2 ** 20));
  return { persisted, free_mb: free };
}

/** Whether nothing more is asked of the server, whoever asks. */
export function isFinal(): boolean {
  return FINAL.has(contact.stopped);
}

/** Whether the server lacks even what it has answered. */
export function lacksAll(): boolean {
  return contact.stopped === GONE || contact.stopped === UNKNOWN;
}

/** How much waits to be told. */
export function waiting(): { entries: number; files: number; wrong: number } {
  const all = [...files.values()];
  const open = all.filter((one) => one.state === "waiting");
  const wrong = all.filter((one) => one.state === "wrong");
  return { entries: unanswered().length, files: open.length, wrong: wrong.length };
}

/** Whether the server was heard within three beats. */
export function isInContact(): boolean {
  const patience = 3 * (lowPower ? LOW_POWER_BEAT_MS : BEAT_MS);
  return contact.failed === 0 && contact.heardAt > Date.now() - patience && now() > 0;
}
