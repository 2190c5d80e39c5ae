// The phone's own key: made here, never extractable, and what its signatures are over.
import { base64url, randomText } from "./ids";
import { read, writeFirst } from "./store";

const CURVE: EcKeyGenParams = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING: EcdsaParams = { name: "ECDSA", hash: "SHA-256" };
const utf8 = new TextEncoder();

let own: Promise<CryptoKeyPair> | null = null;

/** The key pair, made at the first call and kept. */
export function ownKeys(): Promise<CryptoKeyPair> {
  // One making for all who ask at once: a second key would take the place of the first.
  own ??= madeOrKept().catch((error: unknown) => {
    own = null;
    throw error;
  });
  return own;
}

async function madeOrKept(): Promise<CryptoKeyPair> {
  const kept = await read("phone", "keys");
  if (kept) return kept;
  return writeFirst(await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]), "keys");
}

/** The next one who asks makes another pair. */
export function forgetKeys(): void {
  own = null;
}

export async function publicKey(keys: CryptoKeyPair): Promise<JsonWebKey> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", keys.publicKey);
  return { kty, crv, x, y } as JsonWebKey;
}

export async function signed(keys: CryptoKeyPair, text: string): Promise<string> {
  return base64url(await crypto.subtle.sign(SIGNING, keys.privateKey, utf8.encode(text)));
}

/** The proof of one request, in the manner of RFC 9449. now: ms by the server's clock. */
export async function proof(
  keys: CryptoKeyPair,
  phone: string,
  method: string,
  path: string,
  now: number,
): Promise<string> {
  const header = { typ: "dpop+jwt", alg: "ES256", kid: phone };
  const payload = { htm: method, htu: path, iat: Math.floor(now / 1000), jti: randomText() };
  const said = [header, payload].map((part) => base64url(JSON.stringify(part))).join(".");
  return `${said}.${await signed(keys, said)}`;
}

/** What of a PIN is kept, so that its owner is known without signal: docs/guard-journal.md. */
export async function verifierOf(
  pin: string,
  salt: ArrayBuffer,
  rounds: number,
): Promise<ArrayBuffer> {
  const secret = await crypto.subtle.importKey("raw", utf8.encode(pin), "PBKDF2", false, [
    "deriveBits",
  ]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds };
  const derived = await crypto.subtle.deriveBits(how, secret, 256);
  return crypto.subtle.sign("HMAC", await deviceKey(), derived);
}

/** A text under the device key: what it was can't be read off it, nor tried elsewhere. */
export async function markOf(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.sign("HMAC", await deviceKey(), utf8.encode(text));
}

async function deviceKey(): Promise<CryptoKey> {
  const kept = await read("phone", "device");
  if (kept) return kept;
  const how: HmacKeyGenParams = { name: "HMAC", hash: "SHA-256" };
  return writeFirst(await crypto.subtle.generateKey(how, false, ["sign"]), "device");
}

export function isSame(one: ArrayBuffer, other: ArrayBuffer): boolean {
  const left = new Uint8Array(one);
  const right = new Uint8Array(other);
  let differs = left.length ^ right.length;
  left.forEach((byte, index) => (differs |= byte ^ (right[index] ?? 0)));
  return differs === 0;
}
