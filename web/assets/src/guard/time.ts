// Two clocks: the phone's own, and the server's as far as it was heard. A third one, which nobody can
// set, tells whether the phone's own was set in between.
import { randomText } from "./ids";
import { read, write } from "./store";

// The two of a phone drift apart by less than this between two looks.
const SET_MS = 2_000;

// New with each start of the app: the monotonic clock counts from there.
export const boot = randomText(9);

let heard: number | null = null;
let remembered = 0;
let ahead = Date.now() - performance.now();
let wasHidden = document.visibilityState === "hidden";

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") wasHidden = true;
});

export async function recallClock(): Promise<void> {
  remembered = (await read("phone", "offset"))?.ms ?? 0;
}

/** ms of the monotonic clock since this start of the app. */
export function running(): number {
  return Math.round(performance.now());
}

/** ms that the server's clock is ahead, as known in this boot; null before it was heard. */
export function offset(): number | null {
  return heard;
}

/** Now by the server's clock, as well as the phone can tell, in ms. */
export function now(): number {
  return Date.now() + (heard ?? remembered);
}

/**
 * Looks at both clocks, and gives back by how many ms the phone's own was set since the last look.
 * What is known of the server's clock stays true. A clock that ran on by itself while the screen was
 * off was not set: monotonic clocks may stand still while a phone sleeps.
 */
export function lookAtClocks(): number {
  const before = ahead;
  ahead = Date.now() - performance.now();
  const set = Math.round(ahead - before);
  const slept = wasHidden && set > 0;
  wasHidden = document.visibilityState === "hidden";
  if (Math.abs(set) < SET_MS || slept) return 0;
  if (heard !== null) heard -= set;
  keep((heard ?? remembered - set));
  return set;
}

/** Takes the server's time. sent: when it was asked, by the monotonic clock. */
export function hear(serverTime: string, sent: number): void {
  lookAtClocks();
  // Half of the way there and back was the answer under way.
  const underWay = (performance.now() - sent) / 2;
  heard = Math.round(Date.parse(serverTime) + underWay - Date.now());
  keep(heard);
}

function keep(ms: number): void {
  remembered = ms;
  void write("phone", { ms, at: Date.now() }, "offset");
}
