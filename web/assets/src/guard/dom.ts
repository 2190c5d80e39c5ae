// Elements made by hand: the app needs no framework, and the strict policy allows no templates in text.
import { ICONS, type IconName } from "./icons";

type Child = Node | string | null | undefined | false;
type Handler = (event: Event) => void;
type Given = Record<string, string | number | boolean | null | undefined | Handler>;

const SVG = "http://www.w3.org/2000/svg";

/** An element. `on…` are listeners, true is an empty attribute, and nothing leaves one out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  given: Given = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(...children.filter((one): one is Node | string => !!one || one === ""));
  return element;
}

export function icon(name: IconName): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const line of ICONS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", line);
    svg.append(path);
  }
  return svg;
}

/** A large button: an icon and one short line. */
export function button(
  picture: IconName,
  text: string,
  act: () => unknown,
  more: Given = {},
): HTMLButtonElement {
  const kind = `button ${more["class"] ?? ""}`.trim();
  return h(
    "button",
    { type: "button", onclick: () => void act(), ...more, class: kind },
    icon(picture),
    h("span", {}, text),
  );
}

export function replace(place: Element, ...children: Child[]): void {
  place.replaceChildren(...children.filter((one): one is Node | string => !!one));
}

// A touch is a click only where the same thing stands under it from down to up: what a screen draws
// anew meanwhile would swallow it.
const LONGEST_TOUCH_MS = 3_000;
const CLICK_MS = 100;
let touchedAt = 0;
const untouched = new Set<() => void>();

document.addEventListener("pointerdown", () => (touchedAt = performance.now()), { capture: true });
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(
    end,
    () => {
      touchedAt = 0;
      window.setTimeout(drawUntouched, CLICK_MS);
    },
    { capture: true },
  );
}

/** Draws anew now, or once nobody touches the screen; the same asked for twice is done once. */
export function whenUntouched(draw: () => void): void {
  if (!isTouched()) return draw();
  untouched.add(draw);
  window.setTimeout(drawUntouched, LONGEST_TOUCH_MS);
}

/** Draws anew whenever something is heard, but never under a finger; gives back what ends that. */
export function redrawOn(hear: (take: () => void) => () => void, draw: () => void): () => void {
  let ended = false;
  const put = (): void => {
    if (!ended) draw();
  };
  const deaf = hear(() => whenUntouched(put));
  return () => {
    ended = true;
    deaf();
  };
}

function isTouched(): boolean {
  return touchedAt > 0 && performance.now() - touchedAt < LONGEST_TOUCH_MS;
}

function drawUntouched(): void {
  if (isTouched()) return;
  const due = [...untouched];
  untouched.clear();
  for (const draw of due) draw();
}
