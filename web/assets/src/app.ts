// What every page loads: htmx, the live stream, and the clocks that tick between messages.
import "htmx.org";
import { isLeaving, noticeLeaving } from "./live/leaving";
import { followLive, isBeingWritten, refreshAll } from "./live/stream";
import { keepClocks } from "./live/clocks";
import { keepCalls } from "./live/calls";
import { fillFromCategories } from "./forms/category";
import { takeSignatures } from "./forms/signature";
import { takePositions } from "./forms/position";
import { showProgress } from "./forms/progress";
import { tellMoment } from "./forms/moment";
import { numberLines } from "./forms/lines";
import { chooseTickets } from "./list/choosing";
import { followList } from "./list/following";

followLive();
keepClocks();
keepCalls();
showProgress();
takePositions();
fillFromCategories();
takeSignatures();
numberLines();
tellMoment();
const choosing = chooseTickets();
if (choosing) followList(choosing.keep);

// On a phone the row of tabs is longer than the screen: show the one that is open.
for (const tab of document.querySelectorAll<HTMLElement>(".views [aria-current]")) {
  const row = tab.parentElement!;
  row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
}

// A choice of site is a form; with scripts it needs no button.
for (const select of document.querySelectorAll<HTMLSelectElement>("select[data-submit]")) {
  select.addEventListener("change", () => select.form?.submit());
}

for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-print]")) {
  button.addEventListener("click", () => window.print());
}

// A form that must not be sent twice by two taps says so while it is under way.
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    // What is saved as a file leaves the page as it is.
    if (event.submitter?.hasAttribute("data-download")) return;
    for (const button of form.querySelectorAll("button")) button.classList.add("under-way");
  });
}
// Who comes back by the browser's own button may send it again.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll(".under-way")) button.classList.remove("under-way");
});

// A key that jumps to a field, as the field says: "/" to the search. Not while somebody writes.
document.addEventListener("keydown", (event) => {
  const writing = (event.target as Element | null)?.closest("input, textarea, select");
  if (writing || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = [...document.querySelectorAll<HTMLElement>("[data-key]")].find(
    (one) => one.dataset.key === event.key,
  );
  if (!field) return;
  event.preventDefault();
  field.focus();
});

// A failed refresh must not replace what is shown: the page turns grey instead. Nor may one that
// was under way when somebody began to write.
document.addEventListener("htmx:before:swap", (event) => {
  const context = ((event as CustomEvent).detail as { ctx?: SwapContext }).ctx;
  const target = context?.target;
  if (!(target instanceof Element) || !target.hasAttribute("data-panel")) return;
  const failed = (context?.response?.status ?? 200) >= 400;
  const written = WRITTEN.has(target.id) && isBeingWritten(target);
  if (failed || written) event.preventDefault();
});

// Panels with forms of which nothing may be lost.
const WRITTEN = new Set(["ticket-actions", "ticket-checklist", "panel-round"]);

noticeLeaving(refreshAll);
document.addEventListener("htmx:before:request", (event) => {
  const panel = (event.target as Element | null)?.hasAttribute("data-panel");
  if (panel && isLeaving()) event.preventDefault();
});

interface SwapContext {
  target?: unknown;
  response?: { status?: number };
}
