// How a phone becomes known: the code of a supervisor and a key of its own.
import { API, ask, Refused } from "./api";
import { newId } from "./ids";
import { forgetKeys, ownKeys, publicKey } from "./keys";
import { openPlan } from "./plan";
import { layAside } from "./earlier";
import { forget, read, write } from "./store";
import { APP, lacksAll } from "./sync";

const DIGITS = /[^0-9A-Z]/g;

/** Enrols this phone. Throws Refused (404 a code that doesn't hold, 429) and Away. */
export async function enrol(code: string): Promise<void> {
  const keys = await ownKeys();
  const plain = code.toUpperCase().replace(DIGITS, "");
  const id = await idFor(plain);
  const json = {
    code: plain,
    id,
    key: await publicKey(keys),
    browser: navigator.userAgent.slice(0, 300),
    app: APP,
  };
  await ask("POST", `${API}/phones`, { json, phone: id });
  await write("phone", id, "id");
  await forget("trying");
}

/** The same id when a code is tried again: the answer may have been lost, and the page with it. */
async function idFor(code: string): Promise<string> {
  const before = await read("phone", "trying");
  if (before?.code === code) return before.id;
  const id = newId();
  await write("phone", { code, id }, "trying");
  return id;
}

export async function isEnrolled(): Promise<boolean> {
  return !!(await read("phone", "id"));
}

/**
 * Lays what was never sent aside, so that it goes with the phone when it is enrolled anew, and leaves
 * the rest behind. Language and gloves stay.
 */
export async function startAnew(): Promise<void> {
  await layAside(lacksAll());
  forgetKeys();
  await openPlan();
}

export function said(error: unknown): "code" | "wait" | "away" {
  if (!(error instanceof Refused)) return "away";
  return error.status === 429 ? "wait" : "code";
}
