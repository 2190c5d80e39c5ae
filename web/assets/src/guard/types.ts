// What the server and the phone say to each other, as docs/guard-journal.md has it.
import type { Named } from "./words";

export interface Phone {
  id: string;
  kind: "personal" | "post";
  label: string;
  site_id: string;
  state: string;
  person_id: string | null;
  accepted: number;
}

export interface PlanPoint {
  position: number;
  checkpoint_id: string;
  opens_at: string;
  closes_at: string;
  state: string;
  scanned_at: string | null;
}

export type WarningKind = "due" | "start" | "begin_by" | "closing" | "ending";

export interface PlanWarning {
  at: string;
  what: WarningKind;
  position: number | null;
}

export interface PlanRound {
  id: string;
  route: { id: string; code: string; name: Named };
  order: string;
  state: string;
  planned_at: string;
  opens_at: string;
  begin_by: string;
  ends_at: string;
  began_at: string | null;
  person_id: string | null;
  points: PlanPoint[];
  warnings: PlanWarning[];
}

export interface PlanCheckpoint {
  id: string;
  code: string;
  name: Named;
  space: Named | null;
  kinds: string[];
}

/** A post where people of this phone stand. here: which of them are there; html: by language. */
export interface PlanPost {
  id: string;
  code: string;
  name: Named;
  checkpoint_id: string | null;
  people: string[];
  here: { person_id: string; since: string; shift_end: string }[];
  orders: {
    id: string;
    number: number;
    digest: string;
    published_at: string;
    html: Named;
    read_by: string[];
  } | null;
  /** One that waits to be accepted. from_id: who offers it, if somebody of this phone. */
  hand_over?: { from_id: string | null } | null;
}

export interface Choice {
  code: string;
  kind: string;
  icon: string;
  name: Named;
  ticket: boolean;
  checks: { code: string; text: Named }[];
}

export interface NoteChoice {
  code: string;
  icon: string;
  name: Named;
}

export interface PlanPerson {
  id: string;
  name: string;
  locale: string;
  offline_until: string;
  /** Ids of their cards that count. */
  badges?: string[];
  agreed: string[];
}

/** Something that takes consent, with the text in force. digest: by language. */
export interface Purpose {
  purpose: string;
  version: number;
  title: Named;
  text: { en: string; zh: string };
  digest: { en: string; zh: string };
}

/** Who looked where whoever is signed in was. */
export interface Looks {
  person_id: string | null;
  looks: { at: string; by: string; what: string; why: string }[];
}

export interface Plan {
  server_time: string;
  phone: Phone;
  site: { id: string; name: Named; time_zone: string; call_number: string | null };
  people: PlanPerson[];
  rounds: PlanRound[];
  /** Not in a plan that was kept by an older app. */
  posts?: PlanPost[];
  /** Older plans on the phone have none. */
  tasks?: PlanTask[];
  checkpoints: PlanCheckpoint[];
  choices: Choice[];
  notes: NoteChoice[];
  purposes: Purpose[];
  settings: {
    pin_rounds: number;
    badge_alone?: boolean;
    batch_entries: number;
    batch_bytes: number;
    piece_bytes: number;
    photo_bytes: number;
    voice_bytes: number;
  };
}

/** What the server says of an entry. */
export interface Verdict {
  seq: number;
  id: string;
  kind: string;
  verdict: "accepted" | "refused" | "kept" | "not_understood";
  reason: string | null;
  text: Named | null;
  checkpoint_id: string | null;
  round_id: string | null;
  position: number | null;
  post: "came" | "left" | "other_post" | "not_of_team" | null;
  ticket_number: number | null;
  /** When it was heard, by the phone's clock, ms; only of what is kept. */
  heard_at?: number;
}

export interface FileState {
  id: string;
  received: number;
  bytes: number;
  state: "waiting" | "complete" | "wrong" | "unusable";
}

export interface JournalAnswer {
  accepted: number;
  hash: string;
  server_time: string;
  offset_ms: number;
  told_until: string | null;
  verdicts: Verdict[];
  files: FileState[];
}

/** An entry as the phone keeps it. text: the very characters that are hashed and sent. */
export interface Entry {
  seq: number;
  id: string;
  kind: string;
  person: string | null;
  /** By the phone's clock, ms. */
  at: number;
  text: string;
  hash: string;
  /** What the screen shows until the server has looked at it; never sent. */
  hint: { round: string; position: number } | null;
  /** The post to which the guard meant to come; never sent. */
  post?: string;
}

/** A photo or voice note as the phone keeps it. The bytes go once the server has them whole. */
export interface KeptFile {
  id: string;
  what: "photo" | "voice" | "journal";
  type: string;
  sha256: string;
  size: number;
  bytes: ArrayBuffer | null;
  state: FileState["state"];
  /** Of how many bytes the server has said that it has them. */
  received: number;
  /** How often it arrived otherwise than it was taken. */
  wrongs?: number;
  /** When the server had it whole, by the phone's clock, ms; and whether its bytes went since. */
  at?: number;
  isGone?: boolean;
  /** Of which earlier phone it is, as long as the journal of now does not tell of it. */
  of?: string;
}

/** Somebody who signed in here with signal. Verifier: docs/guard-journal.md, "Without signal". */
export interface Known {
  id: string;
  name: string;
  locale: string;
  salt: ArrayBuffer;
  verifier: ArrayBuffer;
  rounds: number;
  offline_until: string;
  wrong: number;
  /** The card by which they signed in last. mark: of its number under the device key. */
  badge?: { id: string; mark: ArrayBuffer };
}

export interface Session {
  person: string;
  name: string;
  by: "online" | "offline";
  until: string;
}

export interface Draft {
  choice: string;
  checkpoint: string | null;
  round: string | null;
  files: string[];
  checks: Record<string, boolean>;
  text: string;
  /** Of what they found where they were sent. */
  task?: string | null;
}

/** An alarm that somebody is asked to go to, or goes to. way: from the building to the room. */
export interface PlanTask {
  id: string;
  person_id: string;
  state: "offered" | "accepted" | "arrived";
  number: number;
  title: Named;
  asset: Named | null;
  way: Named[];
  seconds: number | null;
  offered_at: string | null;
  answer_by: string | null;
  accepted_at: string | null;
  arrived_at: string | null;
  arrived_by: "scan" | "said" | null;
  recovered_at: string | null;
  checkpoints: { id: string; name: Named; space: Named | null }[];
}

/** How a call for help stands, as its sender's phone may know: docs/sos.md. */
export interface SenderView {
  id: string;
  state: "received" | "seen" | "acknowledged" | "coming" | "over";
  show: boolean;
  aloud: boolean;
  aloud_after_s: number | null;
  ask_again_s: number;
  received_at: string;
  seen_at: string | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  coming_at: string | null;
  coming_by: string | null;
  call: string | null;
  looks: { by: string; at: string }[];
}

/** A call for help as the phone keeps it. Times in ms by the server's clock, as far as it was known. */
export interface Call {
  /** Of its first press. */
  id: string;
  person: string;
  name: string;
  silent: boolean;
  practice: boolean;
  pressedAt: number;
  /** Those that the server has not answered. */
  presses: { id: string; at: number }[];
  /** What it answered last; never of a silent one. */
  said: SenderView | null;
  /** That it is over, if this is still to be told. */
  cancel: { id: string; at: number; phrase: string } | null;
  calledOff: boolean;
  /** The server has it as a silent one and tells nothing of it: it sounds no more. */
  hushed: boolean;
  /** Not shown any more. */
  closed: boolean;
}

/** Whoever works alone and when they have to say that they are well: docs/sos.md. */
export interface OwnWatch {
  person_id: string;
  state: "well" | "due" | "out_of_signal" | "missed";
  due_at: string;
  ends_at: string;
  every_min: number;
  grace_min: number;
}

/** What is being added to a report, until it is sent. */
export interface Addition {
  files: string[];
  text: string;
}
