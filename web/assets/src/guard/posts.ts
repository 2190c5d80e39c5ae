// Posts as the phone knows them: where one stands and since when, and which orders are unread.
import { answers, entries } from "./journal";
import { dataOf, placeOf, plan } from "./plan";
import { now } from "./time";
import type { Entry, PlanPost } from "./types";

// Who taps twice within this has not come and gone; as docs/posts.md has it.
const TWICE_MS = 5 * 60_000;

/** Where somebody is. sure: the server says so; else what was recorded here does. */
export interface Standing {
  post: PlanPost;
  since: number;
  sure: boolean;
}

/** The posts where somebody stands, that of now first, then those whose orders are unread. */
export function postsOf(person: string): PlanPost[] {
  const here = standing(person)?.post.id;
  const rank = (one: PlanPost): number => (one.id === here ? 0 : isUnread(one, person) ? 1 : 2);
  const own = (plan?.posts ?? []).filter((one) => one.people.includes(person));
  return own.sort((left, right) => rank(left) - rank(right));
}

export function postOf(id: string): PlanPost | undefined {
  return plan?.posts?.find((one) => one.id === id);
}

/** At which post somebody is: as the plan has it, and by what was recorded here since. */
export function standing(person: string): Standing | null {
  let found: Standing | null = null;
  for (const post of plan?.posts ?? []) {
    const told = post.here.find((one) => one.person_id === person);
    if (told) found = { post, since: Date.parse(told.since), sure: true };
  }
  const known = plan?.phone.accepted ?? 0;
  for (const entry of entries.filter((one) => one.seq > known && one.person === person)) {
    found = moved(found, entry);
  }
  return found;
}

/** What an entry says of coming and leaving, as the server will read it. */
function moved(before: Standing | null, entry: Entry): Standing | null {
  if (answers.get(entry.seq)?.verdict === "refused") return before;
  if (entry.kind === "post_leave") {
    return before?.post.id === dataOf(entry)["post"] ? null : before;
  }
  const post = entry.kind === "scan" ? scannedPost(entry) : undefined;
  if (!post) return before;
  const at = entry.at + now() - Date.now();
  const verdict = answers.get(entry.seq);
  // What the server made of it, until the plan says so as well.
  if (verdict) {
    if (verdict.post === "came") return before ?? { post, since: at, sure: true };
    return verdict.post === "left" ? null : before;
  }
  if (!before) return { post, since: at, sure: false };
  if (before.post.id !== post.id || at < before.since + TWICE_MS) return before;
  return null;
}

/** The post whose tag was scanned: as the server said, as the code is known, as the guard meant. */
function scannedPost(entry: Entry): PlanPost | undefined {
  const place = answers.get(entry.seq)?.checkpoint_id ?? placeOf(dataOf(entry)["shown"]);
  if (place) return plan?.posts?.find((one) => one.checkpoint_id === place);
  return entry.post ? postOf(entry.post) : undefined;
}

export function isUnread(post: PlanPost, person: string): boolean {
  const orders = post.orders;
  return !!orders && !orders.read_by.includes(person) && readAt(post, person) === null;
}

/** When somebody said here that they have read the orders in force, by the phone's clock. */
export function readAt(post: PlanPost, person: string): number | null {
  const said = entries.find(
    (one) =>
      one.kind === "orders_read" &&
      one.person === person &&
      dataOf(one)["digest"] === post.orders?.digest &&
      answers.get(one.seq)?.verdict !== "refused",
  );
  return said?.at ?? null;
}

export function unreadPosts(person: string): PlanPost[] {
  return postsOf(person).filter((one) => isUnread(one, person));
}

/** Whether somebody's shift at a post is over, as far as the phone knows. */
export function isOver(post: PlanPost, person: string): boolean {
  const told = post.here.find((one) => one.person_id === person);
  return !!told && now() > Date.parse(told.shift_end);
}

// So long a scan that let nobody in is told.
const TOLD_MS = 15 * 60_000;

/** Why the last scan at a post did not let somebody in, as the server says; null where it did. */
export function turnedAway(person: string): "other_post" | "not_of_team" | null {
  const scans = entries.filter((one) => one.kind === "scan" && one.person === person);
  const last = scans.filter((one) => !!answers.get(one.seq)?.post).pop();
  if (!last || last.at < Date.now() - TOLD_MS) return null;
  const said = answers.get(last.seq)?.post;
  return said === "other_post" || said === "not_of_team" ? said : null;
}

/** Posts where a hand-over waits for somebody else than who offers it. */
export function waitingFor(person: string): PlanPost[] {
  const own = postsOf(person);
  return own.filter((one) => !!one.hand_over && one.hand_over.from_id !== person);
}
