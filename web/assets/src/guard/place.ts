// Where the phone says to be, while the app is in front and a call for help stands.
const HOW: PositionOptions = { enableHighAccuracy: true, maximumAge: 30_000, timeout: 60_000 };
// A place that is older says little of where somebody is.
const FRESH_MS = 10 * 60_000;

export interface PhonePlace {
  latitude: number;
  longitude: number;
  accuracy_m: number;
  age_s: number;
}

let watching: number | null = null;
let asked = false;
let last: GeolocationPosition | null = null;

/** Begins to look, if it hasn't. mayAsk: the browser may ask its owner; else it looks where it may already. */
export function follow(mayAsk: boolean): void {
  if (watching !== null || !("geolocation" in navigator)) return;
  if (mayAsk) return begin();
  if (asked) return;
  asked = true;
  navigator.permissions
    ?.query({ name: "geolocation" })
    .then((found) => found.state === "granted" && begin())
    .catch(() => undefined)
    .finally(() => (asked = false));
}

function begin(): void {
  if (watching !== null) return;
  watching = navigator.geolocation.watchPosition(
    (found) => (last = found),
    () => undefined,
    HOW,
  );
}

export function unfollow(): void {
  if (watching !== null) navigator.geolocation.clearWatch(watching);
  watching = null;
}

/** The last place that the phone found, if it is worth telling. */
export function placeNow(): PhonePlace | null {
  const age = last ? Date.now() - last.timestamp : Infinity;
  if (!last || age > FRESH_MS) return null;
  const { latitude, longitude, accuracy } = last.coords;
  return { latitude, longitude, accuracy_m: accuracy, age_s: Math.max(0, age / 1000) };
}
