// A tag that was touched opens its own address, which lands here: the way of iPhones.
import { readText } from "./reading";
import { scanned, type Done } from "./scanning";
import { session } from "./session";
import { forget, read, write } from "./store";

// What waits for its guard longer than this is nobody's any more.
const WAITS_MS = 10 * 60_000;

/** Takes the tag out of the address, so that loading the page again records nothing. */
export async function noteTapped(): Promise<void> {
  if (location.pathname !== "/t") return;
  const address = location.href;
  history.replaceState(null, "", "/guard/#/home");
  if (readText(address)) await write("phone", { address, at: Date.now() }, "tapped");
}

/** Records what was touched, once somebody is signed in; null where nothing waits. */
export async function recordTapped(): Promise<Done | null> {
  const tapped = await read("phone", "tapped");
  if (!tapped || !session) return null;
  await forget("tapped");
  const shown = readText(tapped.address);
  if (!shown || Date.now() - tapped.at > WAITS_MS) return null;
  return scanned(shown);
}
