// The button that calls for help when it is held: a ring fills meanwhile, and letting go sends nothing.
import { h, icon, replace } from "./dom";
import { buzz } from "./signals";
import { _ } from "./words";

// The style sheet fills the ring within the same time.
export const HOLD_MS = 1_500;
const BEAT_MS = 250;
const SAID_MS = 5_000;
const SVG = "http://www.w3.org/2000/svg";

interface Held {
  done: number;
  beat: number;
}

/** A button of which `sent` is called once it was held long enough. */
export function holdButton(text: string, sent: () => unknown, kind = ""): HTMLButtonElement {
  let held: Held | null = null;
  const begin = (): void => {
    if (held) return;
    show(text);
    buzz([60]);
    held = {
      done: window.setTimeout(finish, HOLD_MS),
      beat: window.setInterval(() => buzz([60]), BEAT_MS),
    };
  };
  const stop = (): boolean => {
    if (!held) return false;
    window.clearTimeout(held.done);
    window.clearInterval(held.beat);
    held = null;
    return true;
  };
  const finish = (): void => {
    if (!stop()) return;
    hide();
    buzz([600]);
    sent();
  };
  const release = (): void => {
    if (!stop()) return;
    hide(_("Nothing was sent. Hold the button until the ring is full."));
  };
  const key = (event: KeyboardEvent, act: () => void): void => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (!event.repeat) act();
  };
  const made = h(
    "button",
    {
      type: "button",
      class: `sos-hold ${kind}`,
      "data-sos-hold": true,
      oncontextmenu: (event) => event.preventDefault(),
      onpointerdown: (event) => {
        const { pointerId, button } = event as PointerEvent;
        if (button !== 0) return;
        // A finger that slides off the button still holds it.
        made.setPointerCapture(pointerId);
        begin();
      },
      onpointerup: release,
      onpointercancel: release,
      onblur: release,
      onkeydown: (event) => key(event as KeyboardEvent, begin),
      onkeyup: (event) => key(event as KeyboardEvent, release),
    },
    icon("sos"),
    h("span", {}, h("strong", {}, text), " ", h("small", {}, _("hold for 1½ seconds"))),
  );
  return made;
}

let said = 0;

function box(): HTMLElement {
  return document.getElementById("sos-held")!;
}

function show(text: string): void {
  window.clearTimeout(said);
  const ring = document.createElementNS(SVG, "svg");
  ring.setAttribute("viewBox", "0 0 120 120");
  ring.setAttribute("aria-hidden", "true");
  for (const kind of ["sos-track", "sos-fill"]) {
    const circle = document.createElementNS(SVG, "circle");
    circle.setAttribute("cx", "60");
    circle.setAttribute("cy", "60");
    circle.setAttribute("r", "52");
    circle.setAttribute("class", kind);
    ring.append(circle);
  }
  replace(box(), h("div", { class: "sos-ring" }, ring as unknown as Node, h("strong", {}, text), _("Keep holding")));
}

function hide(told = ""): void {
  window.clearTimeout(said);
  replace(box(), told ? h("p", { class: "sos-told" }, told) : null);
  said = window.setTimeout(() => replace(box()), SAID_MS);
}
