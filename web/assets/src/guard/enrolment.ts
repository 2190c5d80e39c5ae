// How a phone becomes known: the code of a supervisor and a key of its own.
import { API, ask, Refused } from "./api";
import { newId } from "./ids";
import { forgetKeys, ownKeys, publicKey } from "./keys";
import { openPlan } from "./plan";
import { database, read, write } from "./store";
import { APP } from "./sync";

const DIGITS = /[^0-9A-Z]/g;

/** Enrols this phone. Throws Refused (404 a code that doesn't hold, 429) and Away. */
export async function enrol(code: string): Promise<void> {
  const keys = await ownKeys();
  const plain = code.toUpperCase().replace(DIGITS, "");
  // The same id when it is tried again: the answer to the first try may have been lost.
  const id = idFor(plain);
  const json = {
    code: plain,
    id,
    key: await publicKey(keys),
    browser: navigator.userAgent.slice(0, 300),
    app: APP,
  };
  await ask("POST", `${API}/phones`, { json, phone: id });
  await write("phone", id, "id");
}

let trying = { code: "", id: "" };

function idFor(code: string): string {
  if (trying.code !== code) trying = { code, id: newId() };
  return trying.id;
}

export async function isEnrolled(): Promise<boolean> {
  return !!(await read("phone", "id"));
}

/** Leaves what was on this phone behind, so that it can be enrolled anew. Language and gloves stay. */
export async function startAnew(): Promise<void> {
  const db = await database();
  forgetKeys();
  for (const store of ["phone", "people", "journal", "answers", "files"] as const) {
    await db.clear(store);
  }
  await openPlan();
}

export function said(error: unknown): "code" | "wait" | "away" {
  if (!(error instanceof Refused)) return "away";
  return error.status === 429 ? "wait" : "code";
}
