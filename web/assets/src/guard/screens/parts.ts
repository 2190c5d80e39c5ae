// What several screens show: the line at the top, the two ticks, how the phone stands.
import { button, h, icon } from "../dom";
import { go } from "../go";
import { answers, entries } from "../journal";
import { plan, type PointMark } from "../plan";
import { contact, isInContact, waiting } from "../sync";
import { _, clock } from "../words";

export function zone(): string {
  return plan?.site.time_zone ?? "UTC";
}

/** The line at the top, with a way back. */
export function top(title: string, ...more: HTMLElement[]): HTMLElement {
  const back = button("back", "", () => history.back(), { "aria-label": _("Back") });
  return h("header", { class: "top" }, back, h("h1", {}, title), ...more);
}

/** One tick: it stands on this phone. Two: the server has looked at it, and counts it. */
export function ticks(mark: PointMark): HTMLElement {
  const said = wordOf(mark);
  const picture = PICTURES[mark];
  const tone = TONES[mark] ?? "muted";
  return h("span", { class: `ticks ${tone}`, role: "img", "aria-label": said }, icon(picture));
}

const PICTURES = {
  open: "place",
  recorded: "check",
  checked: "checks",
  refused: "cross",
  excused: "lock",
  missed: "clock",
  noted: "report",
} as const;
const TONES: Partial<Record<PointMark, string>> = {
  recorded: "poor",
  checked: "good",
  refused: "bad",
  missed: "bad",
};

export function wordOf(mark: PointMark): string {
  return {
    open: _("Not scanned yet"),
    recorded: _("Recorded"),
    checked: _("Recorded and checked"),
    refused: _("Does not count"),
    excused: _("Excused"),
    missed: _("Missed"),
    noted: _("Noted"),
  }[mark];
}

/** How the phone stands with the server; a touch opens the whole of it. */
export function state(): HTMLElement {
  const open = waiting();
  const near = isInContact();
  const seen = contact.heardAt
    ? _("No contact since {time}", { time: clock(contact.heardAt, zone()) })
    : _("No contact yet");
  return h(
    "button",
    { type: "button", class: "state", "data-state": true, onclick: () => go("sync") },
    h("span", { class: near ? "good" : "poor" }, icon("sync"), near ? _("In contact") : seen),
    h("span", {}, icon("check"), _("{count} recorded", { count: recordedCount() })),
    h("span", {}, icon("checks"), _("{count} checked", { count: checkedCount() })),
    open.files ? h("span", {}, icon("camera"), _("{count} to send", { count: open.files })) : null,
  );
}

export function recordedCount(): number {
  return entries.filter((one) => SHOWN.has(one.kind)).length;
}

export function checkedCount(): number {
  return entries.filter((one) => SHOWN.has(one.kind) && answers.has(one.seq)).length;
}

const POST_KINDS = ["orders_read", "post_leave", "log_entry"];

/** What a guard did, beside what the phone notes by itself. */
export const SHOWN = new Set(["scan", "report", "report_more", "note", "task", "round_start", "check_in", ...POST_KINDS]);

export function says(text: string, kind = ""): HTMLElement {
  return h("p", { class: `says ${kind}`, role: "status" }, text);
}
