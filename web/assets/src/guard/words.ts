// The words of the app. English stands in the code; Chinese comes out of the catalogue with the shell.
import { read, write } from "./store";

export type Language = "en" | "zh";

export interface Named {
  en?: string;
  zh?: string;
}

let language: Language = "en";
let chinese: Record<string, string> = {};

/** Loads the words that the shell brought along, and the language that was chosen last. */
export async function loadWords(address: string): Promise<void> {
  const chosen = await read("settings", "language");
  const wished = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
  language = chosen === "en" || chosen === "zh" ? chosen : wished;
  const answer = await fetch(address);
  if (answer.ok) chinese = (await answer.json()) as Record<string, string>;
  dress();
}

export async function choose(wanted: Language): Promise<void> {
  language = wanted;
  await write("settings", wanted, "language");
  dress();
}

export function spoken(): Language {
  return language;
}

function dress(): void {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  const manifest = document.querySelector<HTMLLinkElement>("link[rel=manifest]");
  if (manifest) manifest.href = `/guard/manifest.${language}.webmanifest`;
}

/** A text in the language of the guard, with `{names}` filled in. */
export function _(text: string, filled: Record<string, string | number> = {}): string {
  const said = (language === "zh" && chinese[text]) || text;
  return said.replace(/\{(\w+)\}/g, (whole, name: string) => String(filled[name] ?? whole));
}

/** An administered name; the other language where this one is missing. */
export function named(name: Named | null | undefined): string {
  const other = language === "zh" ? "en" : "zh";
  return name?.[language] || name?.[other] || "";
}

/** A time of day as clocks of the site show it. */
export function clock(moment: number | string, zone: string): string {
  return new Date(moment).toLocaleTimeString(language === "zh" ? "zh-CN" : "en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    timeZone: zone,
  });
}

/** The day of a moment, in few letters, unless it is today's. */
export function otherDay(moment: number | string, now: number, zone: string): string {
  const wording = language === "zh" ? "zh-CN" : "en-GB";
  const day = (at: number | string): string =>
    new Date(at).toLocaleDateString(wording, { weekday: "short", day: "numeric", timeZone: zone });
  return day(moment) === day(now) ? "" : day(moment);
}
