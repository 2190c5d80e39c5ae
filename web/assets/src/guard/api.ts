// Requests to the server, each proved by the phone's key.
import { ownKeys, proof } from "./keys";
import { read } from "./store";
import { hear, now } from "./time";

export const API = "/api/v1/guard";
const WAIT_MS = 20_000;
// What a new proof mends.
const ANEW = new Set(["clock", "replayed"]);

/** The server said no. code: what a machine decides by; more: the whole problem document. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly more: Record<string, unknown>,
  ) {
    super(String(more["detail"] ?? more["title"] ?? status));
  }
}

/** The server was not reached, or is not well. It may be asked again. slow: it took too long. */
export class Away extends Error {
  constructor(
    message: string,
    readonly slow = false,
  ) {
    super(message);
  }
}

export interface Answer<T> {
  status: number;
  body: T;
  tag: string;
}

interface Asking {
  json?: unknown;
  bytes?: ArrayBuffer;
  tag?: string;
  /** Which phone this is, before that is kept. */
  phone?: string;
  /** When what is said was looked up, by the monotonic clock: the proof is of no later moment. */
  since?: number;
}

export async function ask<T>(method: string, path: string, asking: Asking = {}): Promise<Answer<T>> {
  try {
    return await once(method, path, asking);
  } catch (error) {
    if (!(error instanceof Refused) || !ANEW.has(error.code)) throw error;
    // A proof counts once, and browsers ask twice by themselves; or the refusal told the right time.
    return once(method, path, asking);
  }
}

async function once<T>(method: string, path: string, asking: Asking): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const id = asking.phone ?? (await read("phone", "id")) ?? "";
  const since = asking.since ?? performance.now();
  const moment = now() - (performance.now() - since);
  headers["Phone-Proof"] = await proof(await ownKeys(), id, method, path, moment);
  if (asking.tag) headers["If-None-Match"] = asking.tag;
  if (asking.json !== undefined) headers["Content-Type"] = "application/json";
  if (asking.bytes) headers["Content-Type"] = "application/octet-stream";
  const body = asking.bytes ?? (asking.json === undefined ? null : JSON.stringify(asking.json));
  const sent = performance.now();
  const answer = await within(path, { method, headers, body, cache: "no-store" });
  const said = await content(answer);
  if (typeof said["server_time"] === "string") hear(said["server_time"], sent);
  if (answer.ok || answer.status === 304) {
    return { status: answer.status, body: said as T, tag: answer.headers.get("ETag") ?? "" };
  }
  if (answer.status >= 500) throw new Away(String(answer.status));
  throw new Refused(answer.status, String(said["code"] ?? ""), said);
}

/** Asks another route of the API by the token of whoever is signed in. key: for one of a kind. */
export async function askAs<T>(
  token: string,
  method: string,
  path: string,
  json?: unknown,
  key = "",
): Promise<T> {
  const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const body = json === undefined ? null : JSON.stringify(json);
  return judged(await within(path, { method, headers, body, cache: "no-store" }));
}

/** A photo or voice note by the same token. */
export async function fetchAs(token: string, path: string): Promise<Blob> {
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await within(path, { headers, cache: "no-store" });
  if (!answer.ok) await judged(answer);
  return answer.blob();
}

async function judged<T>(answer: Response): Promise<T> {
  const said = await content(answer);
  if (answer.ok) return said as T;
  if (answer.status >= 500) throw new Away(String(answer.status));
  throw new Refused(answer.status, String(said["code"] ?? ""), said);
}

async function within(path: string, request: RequestInit): Promise<Response> {
  const ending = new AbortController();
  const timer = window.setTimeout(() => ending.abort(), WAIT_MS);
  try {
    const answer = await fetch(path, { ...request, credentials: "omit", signal: ending.signal });
    // Read within the same time: an answer can break off, too.
    const body = answer.status === 204 || answer.status === 304 ? null : await answer.arrayBuffer();
    return new Response(body, { status: answer.status, headers: answer.headers });
  } catch (error) {
    throw new Away(String(error), ending.signal.aborted);
  } finally {
    window.clearTimeout(timer);
  }
}

async function content(answer: Response): Promise<Record<string, unknown>> {
  if (answer.status === 304 || answer.status === 204) return {};
  try {
    return (await answer.json()) as Record<string, unknown>;
  } catch {
    // Something between us and the server answered in its place: a hotel's page, a proxy.
    throw new Away(`${answer.status}: no answer of ours`);
  }
}
