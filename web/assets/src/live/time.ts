// The server's clock as this page knows it, and times the way people say them.
const language = document.documentElement.lang === "zh-Hans" ? "zh-CN" : "en-GB";
const started = performance.now();
let serverNow = Date.parse(document.body.dataset["now"] ?? "") || Date.now();
let heardAt = started;

/** Takes over the server's time from a message that has just arrived. */
export function setServerNow(iso: string): void {
  serverNow = Date.parse(iso);
  heardAt = performance.now();
}

/** Now, by the server's clock, in ms since the epoch. */
export function now(): number {
  return serverNow + (performance.now() - heardAt);
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

function largest(seconds: number): [Intl.RelativeTimeFormatUnit, number] {
  const size = Math.abs(seconds);
  for (const [unit, length] of UNITS) {
    // "90 min" says more than "1 hr" or "2 hr".
    if (size >= length * (unit === "second" ? 0 : 1.5)) return [unit, Math.floor(size / length)];
  }
  return ["second", 0];
}

/** A length of time, roughly. */
export function span(seconds: number): string {
  const [unit, count] = largest(seconds);
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" } as object)
    .format(count);
}

/** A length of time to the second; of days the rough length says enough. */
export function countdown(seconds: number): string {
  const whole = Math.floor(Math.abs(seconds));
  if (whole >= 86_400) return span(seconds);
  const two = (part: number): string => String(part).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** How long ago a moment was. */
export function ago(seconds: number): string {
  const [unit, count] = largest(seconds);
  const format = new Intl.RelativeTimeFormat(language, { style: "short", numeric: "auto" });
  return format.format(seconds < 0 ? count : -count, unit);
}

/** Hours and minutes in the site's time zone. */
export function clock(moment: number): string {
  const zone = document.body.dataset["zone"] || "UTC";
  return new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: zone,
  }).format(moment);
}
