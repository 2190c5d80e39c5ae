// What stands under an earlier key and was never handed in: kept, and taken along under the next one.
import { hex } from "./capture";
import { newId, toBase64 } from "./ids";
import { entries, files, openJournal, record, unanswered } from "./journal";
import { ownKeys, signed } from "./keys";
import { database, read, STORES, type Earlier, type Head } from "./store";
import type { Entry, KeptFile } from "./types";

const MOST_ENTRIES = 1_000;
const utf8 = new TextEncoder();

/**
 * Lays aside what was recorded under the key of now, and forgets all the rest that belongs to it.
 * all: also what the server has answered, because it lacks that or does not know this phone.
 */
export async function layAside(all: boolean): Promise<void> {
  // Something may be recorded meanwhile, here or in another tab: then all of it once more.
  while (!(await tryToLayAside(all)));
}

async function tryToLayAside(all: boolean): Promise<boolean> {
  const before = await read("phone", "head");
  await openJournal();
  const phone = (await read("phone", "id")) ?? "";
  const kept = unsent(all);
  const documents = await documentsOf(phone, kept);
  const db = await database();
  // Both or neither: what is not laid aside is not forgotten.
  const change = db.transaction(STORES, "readwrite", { durability: "strict" });
  const standing = (await change.objectStore("phone").get("head")) as Head | undefined;
  if (standing?.seq !== before?.seq) {
    await change.done;
    return false;
  }
  for (const one of documents) void change.objectStore("earlier").put(one);
  const store = change.objectStore("files");
  for (const file of await store.getAll()) {
    if (file.of) continue;
    if ((all || isUnsent(file)) && file.bytes) void store.put({ ...file, of: phone });
    else void store.delete(file.id);
  }
  for (const one of ["phone", "people", "journal", "answers"] as const) {
    void change.objectStore(one).clear();
  }
  await change.done;
  return true;
}

function isUnsent(file: KeptFile): boolean {
  return file.state === "waiting" || file.state === "wrong";
}

/** What would be laid aside, without gaps: the hashes hold it together. */
function unsent(all: boolean): Entry[] {
  const first = all ? 0 : (unanswered()[0]?.seq ?? Infinity);
  return entries.filter((one) => one.seq >= first);
}

async function documentsOf(phone: string, kept: Entry[]): Promise<Earlier[]> {
  const found: Earlier[] = [];
  for (let from = 0; from < kept.length; from += MOST_ENTRIES) {
    const some = kept.slice(from, from + MOST_ENTRIES);
    const last = some[some.length - 1]!;
    const said = `wk-journal-1\n${phone}\n${last.seq}\n${last.hash}`;
    const head = JSON.stringify({ v: 1, phone, signature: await signed(await ownKeys(), said) });
    const text = [head, ...some.map((one) => one.text)].join("\n");
    found.push({ id: newId(), phone, text, entries: some.length });
  }
  return found;
}

/** How much of earlier keys waits for its turn. */
export async function laidAside(): Promise<{ entries: number; files: number }> {
  const documents = await (await database()).getAll("earlier");
  const count = documents.reduce((sum, one) => sum + one.entries, 0);
  return { entries: count, files: [...files.values()].filter((one) => one.of).length };
}

/** Puts what was laid aside into the journal of now, each with its entry; true if there was any. */
export async function takeAlong(): Promise<boolean> {
  const db = await database();
  const documents = await db.getAll("earlier");
  for (const one of documents) {
    const bytes = utf8.encode(one.text).buffer as ArrayBuffer;
    const sha256 = hex(await crypto.subtle.digest("SHA-256", bytes));
    const file = { ...AS_NEW, id: newId(), what: "journal", type: "text/plain", sha256 } as const;
    await put(one.phone, { ...file, size: bytes.byteLength, bytes }, { earlier: one.id }, one.entries);
  }
  const waiting = [...files.values()].filter((one) => one.of);
  for (const { id, of } of waiting) {
    const kept = await db.get("files", id);
    if (!kept || !of) continue;
    const { of: _of, wrongs: _wrongs, ...rest } = kept;
    await put(of, { ...rest, ...AS_NEW, id: newId() }, { file: id }, 0);
  }
  return documents.length + waiting.length > 0;
}

const AS_NEW = { state: "waiting", received: 0 } as const;

async function put(
  phone: string,
  file: KeptFile,
  instead: { earlier?: string; file?: string },
  count: number,
): Promise<void> {
  const { id, what, sha256, size: bytes } = file;
  const data = { phone, file: id, what, sha256, bytes, ...(count ? { entries: count } : {}) };
  await record("orphaned", data, { person: null, file, instead });
}

/** Everything that is on this phone and not on the server, as one file to be handed over by hand. */
export async function asFile(all: boolean): Promise<Blob> {
  const db = await database();
  const phone = (await read("phone", "id")) ?? "";
  const documents = [...(await db.getAll("earlier")), ...(await documentsOf(phone, unsent(all)))];
  const kept = (await db.getAll("files")).filter(
    (one) => one.bytes && (one.of || all || isUnsent(one)),
  );
  const told = {
    documents: documents.map((one) => one.text),
    files: kept.map(({ id, of, what, type, sha256, bytes }) => ({
      id,
      phone: of ?? phone,
      what,
      type,
      sha256,
      base64: toBase64(bytes!),
    })),
  };
  return new Blob([JSON.stringify(told)], { type: "application/json" });
}
