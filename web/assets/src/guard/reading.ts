// What was read off a tag or a code, put into the words of the journal.

/** A scan as the journal holds it. `checkpoint` is known only where the reading itself can't tell. */
export type Shown =
  | { kind: "signed_tag"; address: string }
  | { kind: "static_tag"; uid: string }
  | { kind: "printed_code"; code: string }
  | { kind: "rotating_code"; checkpoint_id: string; code: string }
  | {
      kind: "position";
      checkpoint_id: string;
      latitude: number;
      longitude: number;
      accuracy_m: number;
    };

const SIGNED_TAP = /[?&](e=[0-9a-f]{32,48}&|u=[0-9a-f]{14}&c=[0-9a-f]{6}&)/i;
const ROTATING = /^\d{6}$/;
// Codes that were drawn have small letters alone, and keyboards begin with a capital one; in others, which
// a company brought along, each letter counts as it stands there.
const DRAWN = /^[2-9a-z]{16}$/i;

/** The text of a QR code or of an address on a tag. Null: nothing of ours. */
export function readText(text: string, checkpoint: string | null = null): Shown | null {
  const said = text.trim();
  if (SIGNED_TAP.test(said) && /[?&]m=[0-9a-f]{16}/i.test(said)) {
    // The signature goes over the characters as they came.
    return { kind: "signed_tag", address: said };
  }
  const code = queryOf(said).get("q");
  if (code) return { kind: "printed_code", code };
  if (ROTATING.test(said) && checkpoint) {
    return { kind: "rotating_code", checkpoint_id: checkpoint, code: said };
  }
  return null;
}

/** Typed by hand: digits of a display, else the code that is printed beneath the square. */
export function readTyped(text: string, checkpoint: string | null): Shown | null {
  const said = text.trim();
  if (!said) return null;
  return readText(said, checkpoint) ?? { kind: "printed_code", code: DRAWN.test(said) ? said.toLowerCase() : said };
}

/** A touched tag: its signed address first, then its number, which any tag has. */
export function readTag(serial: string, addresses: string[]): Shown | null {
  const found = addresses.map((one) => readText(one)).find((one) => one?.kind === "signed_tag");
  if (found) return found;
  const uid = serial.replace(/[^0-9a-f]/gi, "").toUpperCase();
  if (uid) return { kind: "static_tag", uid };
  return addresses.map((one) => readText(one)).find((one) => !!one) ?? null;
}

/** The code by which a phone is enrolled, out of the address that the console shows as a square. */
export function readEnrolment(text: string): string | null {
  const said = text.trim();
  const held = queryOf(said).get("enrol") ?? hashOf(said).get("enrol");
  if (held) return held;
  return said.includes("/") ? null : said || null;
}

function queryOf(address: string): URLSearchParams {
  const at = address.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : address.slice(at).split("#")[0]);
}

function hashOf(address: string): URLSearchParams {
  const at = address.indexOf("#");
  return new URLSearchParams(at < 0 ? "" : address.slice(at + 1));
}
