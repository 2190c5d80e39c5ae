// How the phone stands with the server, and asking again what got lost on the way.
import { Away } from "./api";

// How often one request is asked again while others get through, and for how long these speak for it.
const AT_ONCE = 8;
const LATELY_MS = 30_000;
const SHORT_MS = 100;
const HEARD = new EventTarget();

/** heardAt: by the phone's clock, ms. stopped: why the server takes nothing of this phone. */
export const contact = { heardAt: 0, failed: 0, busy: false, why: "", stopped: "" };

// By the monotonic clock, which nobody sets.
let gotThroughAt = -Infinity;

/** Tells when something came or went; gives back what ends that. */
export function onSync(take: () => void): () => void {
  HEARD.addEventListener("change", take);
  return () => HEARD.removeEventListener("change", take);
}

export function changed(): void {
  HEARD.dispatchEvent(new Event("change"));
}

/** Something got through: over a bad network the next try is soon, however much is left. */
export function gotThrough(): void {
  gotThroughAt = performance.now();
  contact.failed = 0;
  contact.heardAt = Date.now();
}

/**
 * Does what asks the server, and again where that gets lost, as long as something got through lately:
 * over a network that loses every other request one that is lost says nothing of the next. Else once
 * more, if that takes no time.
 */
export async function steadily<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      const got = await work();
      gotThrough();
      return got;
    } catch (error) {
      const lately = performance.now() - gotThroughAt < LATELY_MS;
      if (!(error instanceof Away) || tries >= (lately ? AT_ONCE : error.slow ? 1 : 2)) throw error;
      // Each time a little longer, and by chance, so that phones don't come back as one.
      await new Promise((done) => setTimeout(done, SHORT_MS * tries * (0.5 + Math.random())));
    }
  }
}
