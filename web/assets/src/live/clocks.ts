// Ages and countdowns tick every second, and the page turns grey when nothing is heard.
import { ago, clock, countdown, now, span } from "./time";

const LOST_AFTER_MS = 12_000;
let heard = performance.now();
let ageWhenHeard = 0;
let lastGood = now();
let lost = false;

/** The server was heard; `age` is how old, in seconds, what it shows was by then. */
export function hear(age: number): void {
  heard = performance.now();
  ageWhenHeard = age;
  if (age * 1000 < LOST_AFTER_MS) lastGood = now() - age * 1000;
}

/** Begins to tick. */
export function keepClocks(): void {
  tick();
  // What has just come counts from when the server wrote it.
  document.addEventListener("htmx:after:swap", tick);
  setInterval(tick, 1000);
}

function tick(): void {
  const text = document.getElementById("contact-text");
  const contact = document.getElementById("contact");
  if (text && contact) showContact(contact, text);
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-ago]")) {
    set(time, ago((now() - Date.parse(time.dateTime)) / 1000));
  }
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-due]")) {
    count(time, span);
  }
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-countdown]")) {
    count(time, countdown);
  }
}

function count(time: HTMLTimeElement, write: (seconds: number) => string): void {
  const left = (Date.parse(time.dateTime) - now()) / 1000;
  time.classList.toggle("late", left < 0);
  const words = document.getElementById("main")?.dataset[left < 0 ? "late" : "left"] ?? "{time}";
  set(time, words.replace("{time}", write(left)));
}

function showContact(contact: HTMLElement, text: HTMLElement): void {
  const age = ageWhenHeard + (performance.now() - heard) / 1000;
  const isLost = age * 1000 >= LOST_AFTER_MS;
  const words = contact.dataset[isLost ? "lost" : age < 1 ? "just" : "updated"] ?? "";
  set(text, words.replace("{time}", clock(lastGood)).replace("{age}", span(age)));
  if (isLost === lost) return;
  lost = isLost;
  document.documentElement.classList.toggle("stale", lost);
  const alert = document.getElementById("contact-alert");
  if (alert) alert.textContent = lost ? text.textContent : "";
}

function set(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
