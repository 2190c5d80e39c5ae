// Who holds the phone: signing in with signal and without, and changing hands.
import { API, ask, Away, Refused } from "./api";
import { holderOf, numberOf } from "./badges";
import { record } from "./journal";
import { isSame, markOf, verifierOf } from "./keys";
import { plan } from "./plan";
import { database, read } from "./store";
import { now } from "./time";
import type { Known, Session } from "./types";

const ROUNDS = 600_000;
const MOST_WRONG = 5;

export let session: Session | null = null;
// For the other routes of the API. Never written down: who opens the app anew types their PIN again.
let held = "";

/** The token of whoever signed in with signal since the app was opened; else empty. */
export function token(): string {
  return session ? held : "";
}

interface SignedIn {
  person: { id: string; name: string; locale: string };
  offline_until: string;
  token: string | null;
  badge_id: string | null;
}

/** Why somebody isn't let in. */
export type No =
  | "wrong"
  | "wait"
  | "change_pin"
  | "not_yours"
  | "needs_signal"
  | "needs_pin"
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

/** Who holds the phone may have changed in another window of the app; true where it has. */
export async function adoptSession(): Promise<boolean> {
  const standing = (await read("phone", "session")) ?? null;
  const stays = standing?.person === session?.person;
  session = standing;
  if (stays) return false;
  // It is of whoever typed their PIN in this window.
  held = "";
  return true;
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

/** Who signs in: a person's id, their login, or the number of their badge. */
export type By = { person_id: string } | { login: string } | { badge: string };

/** pin: empty where a badge alone is enough. */
export async function signIn(who: By, pin: string, newPin = ""): Promise<Outcome> {
  const badge = "badge" in who ? who.badge : "";
  const by = badge ? { badge } : "login" in who ? { login: who.login } : { person_id: idOf(who) };
  try {
    const json = { ...by, ...(pin ? { pin } : {}), ...(newPin ? { new_pin: newPin } : {}) };
    const answer = await ask<SignedIn>("POST", `${API}/sign-in`, { json });
    return await enter(answer.body, newPin || pin, badge);
  } catch (error) {
    if (error instanceof Refused) return refusal(error);
    if (!(error instanceof Away)) throw error;
    const person = badge ? (await holderOf(badge))?.id : idOf(who);
    if (!person) return no("needs_signal");
    return pin ? offline(person, pin, !!badge) : badgeOffline(person);
  }
}

function idOf(who: By): string {
  return "person_id" in who ? who.person_id : "";
}

function no(why: No, more = ""): Outcome {
  return { session: null, no: why, more };
}

const SAID: No[] = ["wrong", "change_pin", "not_yours", "needs_pin"];

function refusal(error: Refused): Outcome {
  if (error.status === 429) return no("wait", String(error.more["until"] ?? ""));
  const known = SAID.find((one) => one === error.code);
  return known ? no(known) : no("refused", error.message);
}

async function enter(said: SignedIn, pin: string, number: string): Promise<Outcome> {
  const db = await database();
  const before = await db.get("people", said.person.id);
  const rounds = plan?.settings.pin_rounds ?? ROUNDS;
  const salt = crypto.getRandomValues(new Uint8Array(16)).buffer;
  const badge = said.badge_id
    ? { id: said.badge_id, mark: await markOf(`badge:${numberOf(number)}`) }
    : before?.badge;
  // Of who has shown a badge alone the PIN that was known before stays; else none is right.
  const none = { salt, verifier: new ArrayBuffer(0), rounds };
  const proof = pin ? { salt, verifier: await verifierOf(pin, salt, rounds), rounds } : (before ?? none);
  const known: Known = {
    ...said.person,
    salt: proof.salt,
    verifier: proof.verifier,
    rounds: proof.rounds,
    offline_until: said.offline_until,
    wrong: pin ? 0 : (before?.wrong ?? 0),
    ...(badge ? { badge } : {}),
  };
  await db.put("people", known);
  return begin(known, "online", shown(pin, number), said.token ?? "");
}

type With = "pin" | "badge" | "badge_pin";

function shown(pin: string, badge: string): With {
  if (!badge) return "pin";
  return pin ? "badge_pin" : "badge";
}

/** By a badge alone, where the company lets it: whoever holds it, until their time is over. */
async function badgeOffline(person: string): Promise<Outcome> {
  const known = await (await database()).get("people", person);
  const alone = plan?.settings.badge_alone && plan.phone.kind === "post";
  if (!known || !alone) return no("needs_pin");
  if (now() > Date.parse(known.offline_until)) return no("expired");
  return begin(known, "offline", "badge");
}

async function offline(person: string, pin: string, byBadge: boolean): Promise<Outcome> {
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
  return begin(known, "offline", byBadge ? "badge_pin" : "pin");
}

async function begin(
  known: Known,
  by: "online" | "offline",
  how: With,
  token = "",
): Promise<Outcome> {
  const before = session;
  if (before && before.person !== known.id) await signOut("changed");
  const { id: person, name, offline_until: until } = known;
  const coming = { person, name, by, until };
  await record("sign_in", { by, with: how }, { person, session: coming });
  session = coming;
  held = token;
  return { session, no: null, more: "" };
}

export async function signOut(why: "self" | "changed" | "expired"): Promise<void> {
  const leaving = session;
  if (!leaving) return;
  await record("sign_out", { why }, { person: leaving.person, session: null });
  session = null;
  held = "";
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
