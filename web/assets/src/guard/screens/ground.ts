// The app proves its own ground before a shift, and says what to do about what is missing.
import { button, h, icon, replace, whenUntouched } from "../dom";
import { turnTo, type Screen } from "../go";
import { prove, tryCamera, type Found, type Ground } from "../ground";
import { isApple, isInstalled } from "../browsers";
import { session } from "../session";
import { hurry, onSync } from "../sync";
import { _ } from "../words";
import { says, top } from "./parts";

export const groundScreen: Screen = (place, given) => {
  const first = given.get("first") === "1";
  let ended = false;
  let found: Ground | null = null;
  const put = (): void => {
    if (!ended && found) drawGround(place, found, first, draw);
  };
  const draw = async (): Promise<void> => {
    found = await prove();
    whenUntouched(put);
  };
  // Until the worker has the shell, which a slow network takes a while for.
  replace(place, h("p", { class: "refusal" }, _("One moment…")));
  const deaf = onSync(() => void draw());
  hurry();
  void draw();
  return () => {
    ended = true;
    deaf();
  };
};

function drawGround(
  place: HTMLElement,
  found: Ground,
  first: boolean,
  draw: () => Promise<void>,
): void {
  const wrong = Object.values(found).includes("bad");
  const on = button("check", _("Go on"), () => turnTo(session ? "home" : "sign-in"), {
    class: "first huge push",
  });
  const ask = async (): Promise<void> => {
    await tryCamera().catch(() => undefined);
    await draw();
  };
  replace(
    place,
    first ? h("h1", {}, _("Is this phone ready?")) : top(_("Is this phone ready?")),
    wrong
      ? says(_("Mend what is red before the shift."), "bad")
      : says(_("Ready for a shift, also without signal."), "good"),
    h("ul", { class: "lines" }, ...lines(found).map(([state, text]) => line(state, text))),
    found.camera === "unknown" ? button("camera", _("Allow the camera"), ask) : null,
    isInstalled() ? null : h("p", { class: "muted" }, howToInstall()),
    on,
  );
}

function line(state: Found, text: string): HTMLElement {
  const picture = state === "good" ? "check" : state === "bad" ? "cross" : "warning";
  return h("li", { class: "line" }, h("i", { class: state }, icon(picture)), h("span", {}, text));
}

function lines(found: Ground): [Found, string][] {
  const said = (good: string, otherwise: string, state: Found): [Found, string] => [
    state,
    state === "good" ? good : otherwise,
  ];
  return [
    said(_("Starts without signal"), _("Does not start without signal"), found.worker),
    said(
      _("Keeps its data"),
      _("The browser may clear data when space is short: install the app."),
      found.storage,
    ),
    said(_("Enough space"), _("Too little space: delete something on this phone."), found.space),
    said(_("Camera allowed"), _("The camera is not allowed yet."), found.camera),
    said(_("Reads tags"), _("Reads no tags here: scan codes, or open tags by touch."), found.tags),
    said(_("Records voice notes"), _("Records no voice notes here."), found.voice),
    said(_("Clock is right"), _("The phone's clock is off: set it to automatic."), found.clock),
    said(_("In contact"), _("No contact with the server just now."), found.contact),
    said(_("Battery"), _("The battery is low, or can't be seen."), found.battery),
  ];
}

function howToInstall(): string {
  return isApple(navigator.userAgent)
    ? _("To install: Share, then “Add to Home Screen”. Tags open in Safari: use one of the two.")
    : _("To install: the browser's menu, then “Install app” or “Add to home screen”.");
}
