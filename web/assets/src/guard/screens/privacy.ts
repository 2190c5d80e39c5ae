// Where somebody was: what they agree to, and who looked.
import { API, ask } from "../api";
import { agrees, decide } from "../consent";
import { button, h, replace } from "../dom";
import { type Screen } from "../go";
import { plan } from "../plan";
import { session } from "../session";
import type { Looks, Purpose } from "../types";
import { _, clock, named, otherDay, spoken } from "../words";
import { now } from "../time";
import { says, top, zone } from "./parts";

export const privacyScreen: Screen = (place) => {
  const looks = h("div", {});
  const draw = (): void => {
    replace(
      place,
      top(_("Where I was")),
      ...(plan?.purposes ?? []).map((one) => card(one, draw)),
      h("h2", {}, _("Who looked where I was")),
      looks,
    );
  };
  draw();
  void show(looks);
};

function card(purpose: Purpose, again: () => void): HTMLElement {
  const given = agrees(purpose.purpose);
  const tap = async (): Promise<void> => {
    await decide(purpose, !given);
    again();
  };
  const lines = purpose.text[spoken()].split("\n");
  return h(
    "section",
    { class: "consent", "data-purpose": purpose.purpose },
    h("h2", {}, named(purpose.title)),
    h("p", { class: given ? "good" : "muted" }, given ? _("You agree") : _("You do not agree")),
    h(
      "details",
      { open: !given },
      h("summary", {}, _("The whole text")),
      ...lines.map((line) => h("p", {}, line)),
    ),
    given
      ? button("cross", _("I agree no more"), tap)
      : button("check", _("I have read it and agree"), tap),
    given
      ? null
      : h("p", { class: "muted" }, _("You need not. Without it you scan tags and codes, and nobody asks why.")),
  );
}

/** Why somebody looked, else at what. */
function wordOf(code: string): string {
  const words: Record<string, string> = {
    incident: _("an incident is looked into"),
    complaint: _("somebody complained"),
    mark: _("a mark on a round"),
    absence: _("nobody knows where they are"),
    pay: _("pay and attendance"),
    quality: _("quality of rounds"),
    request: _("they asked for it"),
    positions: _("Positions of a call for help"),
  };
  return words[code] ?? code;
}

async function show(place: HTMLElement): Promise<void> {
  try {
    const { body } = await ask<Looks>("GET", `${API}/looks`);
    // The phone may have changed hands, and the server not have heard of it yet.
    const own = body.person_id === session?.person ? body.looks : [];
    const said = own.map((one) => {
      const at = `${otherDay(one.at, now(), zone())} ${clock(one.at, zone())}`.trim();
      return h("p", {}, [at, one.by, wordOf(one.why || one.what)].join(" · "));
    });
    replace(place, ...(said.length ? said : [h("p", { class: "muted" }, _("Nobody has."))]));
  } catch {
    replace(place, says(_("Who looked is shown with signal.")));
  }
}
