// The journal: one sequence a phone, each entry holding the hash of the one before.
import { hex } from "./capture";
import { newId } from "./ids";
import { database, read, type Head } from "./store";
import { boot, lookAtClocks, offset, running } from "./time";
import type { Entry, KeptFile, Session, Verdict } from "./types";

const utf8 = new TextEncoder();
// Half of a pair, which a field that is full may leave of a picture: no JSON that others read holds it.
const HALF = /\p{Surrogate}/gu;
// What the server has answered is kept for so long: it may be restored from a backup, and lack it.
const KEPT_MS = 7 * 24 * 3600_000;
const UNKEPT = new EventTarget();
// States of files whose bytes the server has.
const IS_THERE = new Set<KeptFile["state"]>(["complete", "unusable"]);

export const entries: Entry[] = [];
export const answers = new Map<number, Verdict>();
export const files = new Map<string, KeptFile>();

async function hash(text: string): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", utf8.encode(text)));
}

/** Reads what the phone holds; the bytes of files stay where they are. */
export async function openJournal(): Promise<void> {
  // At once, and nothing waited for behind it: what is recorded meanwhile would be in it twice, or not.
  const reading = (await database()).transaction(["journal", "answers", "files"]);
  const [journal, said, kept] = await Promise.all([
    reading.objectStore("journal").getAll(),
    reading.objectStore("answers").getAll(),
    reading.objectStore("files").getAll(),
  ]);
  entries.splice(0, entries.length, ...journal);
  answers.clear();
  for (const one of said) answers.set(one.seq, one);
  files.clear();
  for (const one of kept) files.set(one.id, { ...one, bytes: null });
}

/** Takes in what another window of the app recorded: told without it, the journal would have a gap. */
export async function catchUp(): Promise<void> {
  const standing = await read("phone", "head");
  if (standing && standing.seq !== (entries.at(-1)?.seq ?? 0)) await openJournal();
}

export interface Adding {
  person: string | null;
  hint?: Entry["hint"];
  post?: string;
  file?: KeptFile;
  /** What goes as this comes: of what was laid aside. */
  instead?: { earlier?: string; file?: string };
  /** What was begun and stands in it now: it goes with this, so that nobody sends it twice. */
  ends?: { of: "drafts" | "additions"; key: string };
  /** Who holds the phone from here on; null: nobody. Both or neither, or what follows counts for nobody. */
  session?: Session | null;
}

let last: Promise<unknown> = Promise.resolve();

/** Records something, once what was to be recorded before it is. Resolves when it is on the disk. */
export function record(kind: string, data: unknown, adding: Adding): Promise<Entry> {
  lookAtClocks();
  const at = Date.now();
  const mono = running();
  const ahead = offset();
  const next = last.then(() => append(kind, data, adding, { at, mono, ahead }));
  last = next.catch(() => UNKEPT.dispatchEvent(new Event("change")));
  return next;
}

/** Tells that something could not be recorded: it stands nowhere, and has to be done again. */
export function onUnkept(take: () => void): void {
  UNKEPT.addEventListener("change", take);
}

async function append(
  kind: string,
  data: unknown,
  adding: Adding,
  { at, mono, ahead }: { at: number; mono: number; ahead: number | null },
): Promise<Entry> {
  const id = newId(at);
  for (;;) {
    const before = await head();
    const seq = before.seq + 1;
    const said = {
      v: 1,
      seq,
      prev: before.hash,
      id,
      at: new Date(at).toISOString(),
      mono_ms: mono,
      boot,
      offset_ms: ahead,
      person: adding.person,
      kind,
      data,
    };
    const text = JSON.stringify(said, (_name, value: unknown) =>
      typeof value === "string" ? value.replace(HALF, "\ufffd") : value,
    );
    const hint = adding.hint ?? null;
    const post = adding.post ? { post: adding.post } : {};
    const kept = { seq, id, kind, person: adding.person, at, text, hash: await hash(text) };
    const entry: Entry = { ...kept, hint, ...post };
    if (await withRoom(() => put(entry, before, adding))) {
      // In another window of the app some may have been recorded since: all of them belong before it.
      if ((entries.at(-1)?.seq ?? 0) === before.seq) entries.push(entry);
      else await openJournal();
      if (adding.file) files.set(adding.file.id, { ...adding.file, bytes: null });
      if (adding.instead?.file) files.delete(adding.instead.file);
      return entry;
    }
    // Another tab was quicker: its entry comes first.
    await openJournal();
  }
}

export async function head(): Promise<Head> {
  const kept = await read("phone", "head");
  if (kept) return kept;
  const id = await read("phone", "id");
  // The first entry binds it: one without would spoil the journal of the phone that this becomes.
  if (!id) throw new Error("nothing is recorded on a phone that is not known");
  return { seq: 0, hash: await hash(`wk-journal-1\n${id}`) };
}

/** Puts an entry behind `before`, with its file, both or neither; false where that is not the last. */
async function put(entry: Entry, before: Head, adding: Adding): Promise<boolean> {
  const { file, instead, ends, session } = adding;
  const db = await database();
  const stores = ["journal", "phone", "files", "earlier"] as const;
  const change = db.transaction(stores, "readwrite", { durability: "strict" });
  // Whatever fails within it is told by what failed.
  change.done.catch(() => undefined);
  const standing = (await change.objectStore("phone").get("head")) as Head | undefined;
  if ((standing?.seq ?? 0) !== before.seq) {
    await change.done;
    return false;
  }
  await change.objectStore("journal").add(entry);
  if (file) await change.objectStore("files").put(file);
  if (instead?.file) await change.objectStore("files").delete(instead.file);
  if (instead?.earlier) await change.objectStore("earlier").delete(instead.earlier);
  if (ends) {
    const begun = { ...((await change.objectStore("phone").get(ends.of)) as object | undefined) };
    Reflect.deleteProperty(begun, ends.key);
    await change.objectStore("phone").put(begun, ends.of);
  }
  if (session) await change.objectStore("phone").put(session, "session");
  if (session === null) await change.objectStore("phone").delete("session");
  await change.objectStore("phone").put({ seq: entry.seq, hash: entry.hash }, "head");
  await change.done;
  return true;
}

/** Does what needs room; where there is none, once more without what the server has as well. */
async function withRoom<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
    if (!isFull || !(await makeRoom())) throw error;
    return work();
  }
}

/** Lets go of the bytes of every file that the server has whole; false where there are none. */
async function makeRoom(): Promise<boolean> {
  const there = [...files.values()].filter((one) => IS_THERE.has(one.state) && !one.isGone);
  const db = await database();
  for (const one of there) {
    // Where nothing can be put any more, something can still be taken away.
    await db.delete("files", one.id);
    files.set(one.id, { ...one, bytes: null, isGone: true });
  }
  for (const { id } of there) await db.put("files", files.get(id)!).catch(() => undefined);
  return there.length > 0;
}

/** Takes what the server said of entries. */
export async function noteVerdicts(said: Verdict[]): Promise<void> {
  if (!said.length) return;
  const heard = said.map((one) => ({ ...one, heard_at: Date.now() }));
  await withRoom(async () => {
    const change = (await database()).transaction("answers", "readwrite", { durability: "strict" });
    for (const one of heard) void change.store.put(one).catch(() => undefined);
    await change.done;
  });
  for (const one of heard) answers.set(one.seq, one);
}

/** The highest number that the server has answered; 0 where it has answered none. */
export function lastAnswered(): number {
  return Math.max(0, ...answers.keys());
}

/** Forgets the answers from there on, so that these entries go again; false if they are gone. */
export async function resendFrom(seq: number): Promise<boolean> {
  if (!entries.some((one) => one.seq === seq)) return false;
  await (await database()).delete("answers", IDBKeyRange.lowerBound(seq));
  for (const known of [...answers.keys()]) if (known >= seq) answers.delete(known);
  return true;
}

/** The entries that the server has not answered, in order. */
export function unanswered(): Entry[] {
  return entries.filter((one) => !answers.has(one.seq));
}

/** When an entry was answered, however long before it was recorded; never, if it was not. */
function answeredAt(entry: Entry): number {
  const answer = answers.get(entry.seq);
  return answer ? (answer.heard_at ?? entry.at) : Infinity;
}

/** Forgets what was answered days ago, and never the last one. */
export async function prune(now = Date.now()): Promise<void> {
  const old = entries.slice(0, -1).filter((one) => answeredAt(one) < now - KEPT_MS);
  if (!old.length) return;
  const db = await database();
  const change = db.transaction(["journal", "answers"], "readwrite");
  for (const one of old) {
    void change.objectStore("journal").delete(one.seq);
    void change.objectStore("answers").delete(one.seq);
  }
  await change.done;
  await openJournal();
}
