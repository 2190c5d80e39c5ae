// When this browser won't do: one sentence, and how to go on.
import { button, h, replace } from "../dom";
import { isApple } from "../browsers";
import { _ } from "../words";

/** In the browser of a chat app, which keeps nothing for a shift. */
export function showChat(place: HTMLElement, app: string): void {
  const apple = isApple(navigator.userAgent);
  const browser = apple ? "Safari" : "Chrome";
  const said = h("p", { class: "says", role: "status" });
  replace(
    place,
    h("h1", {}, _("Open this page in {browser}", { browser })),
    h("p", {}, _("{app} opened it in its own browser, which keeps nothing for a shift.", { app })),
    h(
      "ol",
      { class: "steps" },
      h("li", {}, _("Tap ⋯ or ⋮ in the corner at the top.")),
      h("li", {}, _("Choose “Open in browser” or “Open in {browser}”.", { browser })),
      h("li", {}, _("If it isn't there: copy the address, open {browser} and paste it.", { browser })),
    ),
    button("report", _("Copy the address"), () => copy(said), { class: "first" }),
    said,
  );
}

async function copy(said: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href);
    said.textContent = _("Copied.");
  } catch {
    said.textContent = location.href;
  }
}

/** Without a service worker nothing would start in a cellar. */
export function showBlocked(place: HTMLElement): void {
  refuse(
    place,
    _("This browser can't keep the app"),
    _("It blocks service workers, so the app would not start without signal."),
    [
      _("Open the page over https, in Chrome on Android or Safari on iPhone."),
      _("Close a private window and use an ordinary one."),
      _("In the browser's settings, allow this site to keep data."),
    ],
  );
}

/** Without a store nothing that is recorded would last. */
export function showForgetful(place: HTMLElement): void {
  refuse(
    place,
    _("This browser keeps nothing"),
    _("What you record would be lost when it closes."),
    [
      _("Close a private window and use an ordinary one."),
      _("In the browser's settings, allow this site to keep data."),
    ],
  );
}

function refuse(place: HTMLElement, title: string, why: string, steps: string[]): void {
  replace(
    place,
    h("h1", {}, title),
    h("p", {}, why),
    h("ol", { class: "steps" }, ...steps.map((one) => h("li", {}, one))),
    button("sync", _("Try again"), () => location.reload(), { class: "first" }),
  );
}
