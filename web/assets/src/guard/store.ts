// What the phone keeps, in IndexedDB. Nothing here is asked of the network.
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Addition, Call, Draft, Entry, KeptFile, Known, OwnWatch, Plan, Session, Verdict } from "./types";

const NAME = "watchkeeper-guard";
const VERSION = 2;
// All but the settings.
export const STORES = ["phone", "people", "journal", "answers", "files", "earlier"] as const;

export interface Head {
  seq: number;
  hash: string;
}

/** A document with entries of an earlier key: docs/guard-journal.md, "What is left". */
export interface Earlier {
  id: string;
  phone: string;
  text: string;
  entries: number;
}

/** Single values about the phone. */
export interface Facts {
  id: string;
  /** The code that is being tried, and the id under which. */
  trying: { code: string; id: string };
  keys: CryptoKeyPair;
  /** The HMAC key under which verifiers of PINs stand. */
  device: CryptoKey;
  head: Head;
  plan: Plan;
  planTag: string;
  session: Session;
  /** Reports that are not sent yet, by whoever is writing them: a phone of the post is shared. */
  drafts: Record<string, Draft>;
  /** What is being added to reports, by the report's id. */
  additions: Record<string, Addition>;
  /** What a tag opened while nobody was signed in, and when by the phone's clock. */
  tapped: { address: string; at: number };
  /** ms that the server's clock is ahead, and when that was heard, by the phone's clock. */
  offset: { ms: number; at: number };
  /** Warnings that were given. */
  warned: string[];
  alive: number;
  /** Codes whose place the server has named: of the code the checkpoint. */
  places: Record<string, string>;
  /** Calls for help that are not over, or not looked at since. */
  calls: Call[];
  /** When whoever holds the phone has to check in. */
  watch: OwnWatch | null;
  /** Why the server won't hear this phone any more. */
  stopped: string;
}

export interface Settings {
  language: string;
  speech: boolean;
  gloves: boolean;
  lowPower: boolean;
}

export interface Schema extends DBSchema {
  settings: { key: string; value: unknown };
  phone: { key: string; value: unknown };
  people: { key: string; value: Known };
  journal: { key: number; value: Entry };
  answers: { key: number; value: Verdict };
  files: { key: string; value: KeptFile };
  earlier: { key: string; value: Earlier };
}

let opening: Promise<IDBPDatabase<Schema>> | null = null;

export function database(): Promise<IDBPDatabase<Schema>> {
  opening ??= openDB<Schema>(NAME, VERSION, {
    upgrade(db, before) {
      if (before < 2) db.createObjectStore("earlier", { keyPath: "id" });
      if (before >= 1) return;
      db.createObjectStore("settings");
      db.createObjectStore("phone");
      db.createObjectStore("people", { keyPath: "id" });
      db.createObjectStore("journal", { keyPath: "seq" });
      db.createObjectStore("answers", { keyPath: "seq" });
      db.createObjectStore("files", { keyPath: "id" });
    },
    // A newer app in another tab must not wait for this one.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
    terminated: () => (opening = null),
  }).catch((error: unknown) => {
    // Whoever asks next tries again: browsers refuse for a moment, and then don't.
    opening = null;
    throw error;
  });
  return opening;
}

export async function read<K extends keyof Settings>(
  store: "settings",
  key: K,
): Promise<Settings[K] | undefined>;
export async function read<K extends keyof Facts>(
  store: "phone",
  key: K,
): Promise<Facts[K] | undefined>;
export async function read(store: "settings" | "phone", key: string): Promise<unknown> {
  return (await database()).get(store, key);
}

export async function write<K extends keyof Settings>(
  store: "settings",
  value: Settings[K],
  key: K,
): Promise<void>;
export async function write<K extends keyof Facts>(
  store: "phone",
  value: Facts[K],
  key: K,
): Promise<void>;
export async function write(
  store: "settings" | "phone",
  value: unknown,
  key: string,
): Promise<void> {
  const db = await database();
  const change = db.transaction(store, "readwrite", { durability: "strict" });
  await Promise.all([change.store.put(value, key), change.done]);
}

/** Keeps a fact about the phone where none stands yet; gives back what stands, of another tab or not. */
export async function writeFirst<K extends keyof Facts>(value: Facts[K], key: K): Promise<Facts[K]> {
  const change = (await database()).transaction("phone", "readwrite", { durability: "strict" });
  const standing = (await change.store.get(key)) as Facts[K] | undefined;
  if (standing === undefined) await change.store.put(value, key);
  await change.done;
  return standing ?? value;
}

/** Changes a fact about the phone by what stands at that moment, of another tab or not. */
export async function rewrite<K extends keyof Facts>(
  key: K,
  made: (standing: Facts[K] | undefined) => Facts[K],
): Promise<void> {
  const change = (await database()).transaction("phone", "readwrite", { durability: "strict" });
  const standing = (await change.store.get(key)) as Facts[K] | undefined;
  await Promise.all([change.store.put(made(standing), key), change.done]);
}

export async function forget(key: keyof Facts): Promise<void> {
  await (await database()).delete("phone", key);
}
