// Who holds the phone: signing in with signal and without, and changing hands.
import { API, ask, Away, Refused } from "./api";
import { record } from "./journal";
import { isSame, verifierOf } from "./keys";
import { plan } from "./plan";
import { database, forget, read, write } from "./store";
import { now } from "./time";
import type { Known, Session } from "./types";

const ROUNDS = 600_000;
const MOST_WRONG = 5;

export let session: Session | null = null;

interface SignedIn {
  person: { id: string; name: string; locale: string };
  offline_until: string;
}

/** Why somebody isn't let in. */
export type No =
  | "wrong"
  | "wait"
  | "change_pin"
  | "not_yours"
  | "needs_signal"
  | "too_many"
  | "expired"
  | "refused";

export interface Outcome {
  session: Session | null;
  no: No | null;
  /** Until when to wait, or what the server says. */
  more: string;
}

export async function openSession(): Promise<void> {
  session = (await read("phone", "session")) ?? null;
}

/** Everybody who signed in on this phone with signal, and whose own phone it is. */
export async function knownPeople(): Promise<{ id: string; name: string }[]> {
  const here = await (await database()).getAll("people");
  const planned: { id: string; name: string }[] = [...(plan?.people ?? [])];
  const own = plan?.phone.kind === "personal" ? plan.phone : null;
  // Before its person was here for the first time their name isn't known, only what the phone is called.
  if (own?.person_id && !planned.some((one) => one.id === own.person_id)) {
    planned.push({ id: own.person_id, name: own.label });
  }
  const names = new Map([...planned, ...here].map((one) => [one.id, one.name]));
  return [...names].map(([id, name]) => ({ id, name }));
}

/** who: a person's id, or how they sign in. */
export async function signIn(
  who: { person_id: string } | { login: string },
  pin: string,
  newPin = "",
): Promise<Outcome> {
  try {
    const by = "login" in who ? { login: who.login } : { person_id: who.person_id };
    const json = { ...by, pin, ...(newPin ? { new_pin: newPin } : {}) };
    const answer = await ask<SignedIn>("POST", `${API}/sign-in`, { json });
    return await enter(answer.body, newPin || pin);
  } catch (error) {
    if (error instanceof Refused) return refusal(error);
    if (!(error instanceof Away)) throw error;
    return "person_id" in who ? offline(who.person_id, pin) : no("needs_signal");
  }
}

function no(why: No, more = ""): Outcome {
  return { session: null, no: why, more };
}

const SAID: No[] = ["wrong", "change_pin", "not_yours"];

function refusal(error: Refused): Outcome {
  if (error.status === 429) return no("wait", String(error.more["until"] ?? ""));
  const known = SAID.find((one) => one === error.code);
  return known ? no(known) : no("refused", error.message);
}

async function enter(said: SignedIn, pin: string): Promise<Outcome> {
  const rounds = plan?.settings.pin_rounds ?? ROUNDS;
  const salt = crypto.getRandomValues(new Uint8Array(16)).buffer;
  const known: Known = {
    ...said.person,
    salt,
    verifier: await verifierOf(pin, salt, rounds),
    rounds,
    offline_until: said.offline_until,
    wrong: 0,
  };
  await (await database()).put("people", known);
  return begin(known, "online");
}

async function offline(person: string, pin: string): Promise<Outcome> {
  const db = await database();
  const known = await db.get("people", person);
  if (!known) return no("needs_signal");
  if (known.wrong >= MOST_WRONG) return no("too_many");
  if (now() > Date.parse(known.offline_until)) return no("expired");
  // Counted before it is looked at: closing the app in between gives no further try.
  await db.put("people", { ...known, wrong: known.wrong + 1 });
  const verifier = await verifierOf(pin, known.salt, known.rounds);
  if (!isSame(verifier, known.verifier)) return no("wrong");
  await db.put("people", { ...known, wrong: 0 });
  return begin(known, "offline");
}

async function begin(known: Known, by: "online" | "offline"): Promise<Outcome> {
  const before = session;
  if (before && before.person !== known.id) await signOut("changed");
  const { id: person, name, offline_until: until } = known;
  session = { person, name, by, until };
  await write("phone", session, "session");
  await record("sign_in", { by }, { person });
  return { session, no: null, more: "" };
}

export async function signOut(why: "self" | "changed" | "expired"): Promise<void> {
  const leaving = session;
  if (!leaving) return;
  await record("sign_out", { why }, { person: leaving.person });
  session = null;
  await forget("session");
  // The token ends by itself as well, where the server isn't reached.
  const json = { person_id: leaving.person };
  void ask("POST", `${API}/sign-out`, { json }).catch(() => undefined);
}

/** Ends a session whose time without signal is over; true if it did. */
export async function endIfExpired(): Promise<boolean> {
  if (!session || now() <= Date.parse(session.until)) return false;
  await signOut("expired");
  return true;
}
