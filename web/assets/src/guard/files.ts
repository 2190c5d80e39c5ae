// Hands in photos and voice notes: in pieces, several at a time, going on where one broke off.
import { API, ask, Away, Refused, type Answer } from "./api";
import { hex } from "./capture";
import { changed, steadily } from "./contact";
import { answers, entries, files } from "./journal";
import { database } from "./store";
import type { FileState, KeptFile } from "./types";

const LARGEST_PIECE = 256 * 1024;
const SMALLEST_PIECE = 32 * 1024;
const LANES = 3;
// Sent whole so often, and arrived otherwise than it was taken: then somebody has to look.
const MOST_WRONG = 3;
// As long as this the bytes stay here, should the server be restored from its backup of last night.
const KEPT_MS = 2 * 24 * 3600_000;

// Its entry was refused, or it is larger than that said.
const UNWANTED = new Set([404, 413]);

// Kinds of entries that bind the hash of a file.
const OF_FILES = new Set(["file", "orphaned"]);

let size = LARGEST_PIECE;

/** told: what the server waits for. goOn: whether there is nothing that goes before files. */
export async function sendFiles(told: FileState[], goOn: () => boolean): Promise<void> {
  const open = new Map(told.map((one) => [one.id, one]));
  await reopen(told);
  const queue = [...files.values()].filter(isToBeSent);
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next && goOn(); next = queue.shift()) {
      await sendOne(next.id, open.get(next.id), goOn);
    }
  };
  // Where not even a piece gets through in time, several at once would only be slower.
  const lanes = size < LARGEST_PIECE ? 1 : LANES;
  const ended = await Promise.allSettled(Array.from({ length: lanes }, lane));
  const failed = ended.find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
}

function isToBeSent(file: KeptFile): boolean {
  return file.state === "waiting" && !file.of && isTold(file.id);
}

/** Whether the server has answered its entry, which goes first and binds its hash. */
function isTold(id: string): boolean {
  const entry = entries.find((one) => OF_FILES.has(one.kind) && one.text.includes(id));
  return !entry || answers.has(entry.seq);
}

/** The server waits for what it once had: it was restored from a backup. */
async function reopen(told: FileState[]): Promise<void> {
  for (const one of told) {
    const kept = files.get(one.id);
    if (!kept || kept.state === "waiting" || kept.state === "wrong") continue;
    await change(one.id, (file) => (file.bytes ? { ...file, state: "waiting", received: 0 } : file));
  }
}

async function sendOne(
  id: string,
  stands: FileState | undefined,
  goOn: () => boolean,
): Promise<void> {
  try {
    await sendFile(id, stands ?? (await askFile(id)), goOn);
  } catch (error) {
    // One that the server won't have stays here, and must not hold up those behind it.
    if (!(error instanceof Refused) || !UNWANTED.has(error.status)) throw error;
  }
}

async function askFile(id: string): Promise<FileState> {
  return (await steadily(() => ask<FileState>("GET", `${API}/files/${id}`))).body;
}

async function sendFile(id: string, stands: FileState, goOn: () => boolean): Promise<void> {
  const bytes = (await (await database()).get("files", id))?.bytes;
  if (!bytes) return;
  let state = stands;
  while (state.state === "waiting" || state.state === "wrong") {
    if (!goOn()) return;
    if (state.state === "wrong") {
      if (!(await mayGoAgain(id, bytes))) return;
      state = { ...state, state: "waiting", received: 0 };
    }
    // An empty one at its end has a file looked at whose pieces are all there.
    const isLast = state.received >= bytes.byteLength;
    state = await sendPiece(id, bytes, state.received);
    noteReceived(id, state.received);
    if (isLast && state.state === "waiting") return;
  }
  await change(id, (file) => ({ ...file, state: state.state, received: file.size, at: Date.now() }));
}

async function sendPiece(id: string, bytes: ArrayBuffer, from: number): Promise<FileState> {
  const send = async (): Promise<Answer<FileState>> => {
    const piece = bytes.slice(from, from + size);
    try {
      const answer = await ask<FileState>("PUT", `${API}/files/${id}/${from}`, { bytes: piece });
      size = Math.min(size * 2, LARGEST_PIECE);
      return answer;
    } catch (error) {
      // It was under way for as long as we wait: a smaller one may make it.
      if (error instanceof Away && error.slow) size = Math.max(size / 2, SMALLEST_PIECE);
      throw error;
    }
  };
  try {
    return (await steadily(send)).body;
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "offset") throw error;
    return askFile(id);
  }
}

/** The server has it otherwise than it was taken: whether sending it once more may mend that. */
async function mayGoAgain(id: string, bytes: ArrayBuffer): Promise<boolean> {
  const kept = files.get(id);
  const wrongs = (kept?.wrongs ?? 0) + 1;
  const isSound = hex(await crypto.subtle.digest("SHA-256", bytes)) === kept?.sha256;
  const may = isSound && wrongs <= MOST_WRONG;
  await change(id, (file) => ({ ...file, wrongs, state: may ? "waiting" : "wrong", received: 0 }));
  return may;
}

function noteReceived(id: string, received: number): void {
  const shown = files.get(id);
  if (shown) shown.received = received;
  changed();
}

/** Changes what is kept of a file. */
async function change(id: string, how: (file: KeptFile) => KeptFile): Promise<void> {
  const db = await database();
  const writing = db.transaction("files", "readwrite", { durability: "strict" });
  const kept = await writing.store.get(id);
  if (kept) {
    const after = how(kept);
    await writing.store.put(after);
    files.set(id, { ...after, bytes: null });
  }
  await writing.done;
  changed();
}

/** Those that did not arrive as they were taken, sent once more because somebody asks for it. */
export async function sendWrongAgain(): Promise<void> {
  for (const file of [...files.values()].filter((one) => one.state === "wrong")) {
    await change(file.id, (kept) => ({ ...kept, state: "waiting", wrongs: 0 }));
  }
}

/** Lets go of the bytes of what the server has had for days. */
export async function pruneFiles(now = Date.now()): Promise<void> {
  const db = await database();
  for (const file of files.values()) {
    const isThere = file.state === "complete" || file.state === "unusable";
    if (!isThere || file.isGone || (file.at ?? 0) > now - KEPT_MS) continue;
    const kept = await db.get("files", file.id);
    if (!kept) continue;
    const after = { ...kept, bytes: null, isGone: true };
    await db.put("files", after);
    files.set(file.id, after);
  }
}
