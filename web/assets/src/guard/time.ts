// Two clocks: the phone's own, and the server's as far as it was heard.
import { randomText } from "./ids";
import { read, write } from "./store";

// New with each start of the app: the monotonic clock counts from there.
export const boot = randomText(9);

let heard: number | null = null;
let remembered = 0;

export async function recallClock(): Promise<void> {
  remembered = (await read("phone", "offset"))?.ms ?? 0;
}

/** ms that the server's clock is ahead, as known in this boot; null before it was heard. */
export function offset(): number | null {
  return heard;
}

/** Now by the server's clock, as well as the phone can tell, in ms. */
export function now(): number {
  return Date.now() + (heard ?? remembered);
}

/** Takes the server's time. sent: when it was asked, by the phone's clock. */
export function hear(serverTime: string, sent: number): void {
  const received = Date.now();
  // Half of the way there and back was the answer under way.
  heard = Math.round(Date.parse(serverTime) - (sent + received) / 2);
  remembered = heard;
  void write("phone", { ms: heard, at: received }, "offset");
}
