// What stands on every screen: the button that calls for help, calls that stand, and the check-in that is due.
import { button, h, icon, replace } from "./dom";
import { beginDuress } from "./duress";
import { go, where } from "./go";
import { holdButton } from "./hold";
import { checkIn, dueAt, isDue, isMissed, onLone, ownWatch } from "./lone";
import { plan } from "./plan";
import { headline } from "./screens/sos";
import { zone } from "./screens/parts";
import { isAloud, numberOf, onCalls, press, sender, shownCall, standingOf } from "./sos";
import { onSync } from "./sync";
import { _, clock, spoken } from "./words";

let bar: HTMLElement;
let above: HTMLElement;
let drawn = "";

/** Puts it around the place of the screens, once. */
export function beginCalling(place: HTMLElement): void {
  above = h("div", { id: "calls" });
  bar = h("div", { id: "sos-bar" });
  place.before(above);
  place.after(bar, h("div", { id: "sos-held", role: "status" }));
  beginDuress();
  onCalls(drawAbove);
  onLone(drawAbove);
  // The plan says whose phone it is, and whom to telephone.
  onSync(() => void drawCalling());
}

/** With each screen: who can call may have changed, and so may the language. */
export async function drawCalling(): Promise<void> {
  const who = await sender();
  const number = numberOf(undefined);
  const wanted = `${who?.id} ${number} ${spoken()}`;
  if (wanted !== drawn) {
    drawn = wanted;
    replace(bar, who ? holdButton(_("SOS"), call) : plan && number ? telephone(number) : null);
  }
  drawAbove();
}

function call(): void {
  // Its screen waits for nothing, and draws itself anew once the call stands.
  void press();
  go("sos");
}

/** Nobody knows who would be calling: a telephone needs no name. */
function telephone(number: string): HTMLElement {
  const words = _("Emergency: call {number}", { number });
  return h("a", { class: "button sos-tel", href: `tel:${number}` }, icon("phone"), h("span", {}, words));
}

let shown = "";

function drawAbove(): void {
  const standing = where().name === "sos" ? undefined : shownCall();
  const aloud = shownCall();
  document.body.classList.toggle("sos-aloud", !!aloud && isAloud(aloud));
  const due = isDue();
  const now = JSON.stringify([standing && headline(standing), due, isMissed(), spoken()]);
  if (now === shown) return;
  shown = now;
  replace(above, standing ? notice(standing) : null, due ? asking() : null);
}

function notice(standing: NonNullable<ReturnType<typeof shownCall>>): HTMLElement {
  const kind = standing.practice ? _("Practice SOS") : _("SOS");
  return h(
    "button",
    { type: "button", class: `sos-notice ${standingOf(standing)}`, onclick: () => go("sos") },
    icon("sos"),
    h("span", {}, _("{what}: {more}", { what: kind, more: headline(standing) })),
  );
}

function asking(): HTMLElement {
  const late = isMissed();
  return h(
    "section",
    { class: "lone", role: "alert" },
    h("p", {}, late ? _("You did not check in: a colleague may be looking for you.") : _("Are you well?")),
    button("heart", _("I am well"), checkIn, { class: "first huge" }),
  );
}

/** When whoever holds the phone has to check in; they may do it at any time before. */
export function checkInLine(): HTMLElement | null {
  const due = dueAt();
  if (!ownWatch() || due === null || isDue()) return null;
  const words = _("I am well (by {time})", { time: clock(due, zone()) });
  return button("heart", words, checkIn, { class: "lone-line" });
}
