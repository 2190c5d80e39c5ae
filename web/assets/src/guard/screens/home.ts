// The list of rounds: what is to be done next stands first and largest.
import { checkInLine } from "../calling";
import { button, h, icon, replace } from "../dom";
import { go, turnTo, type Screen } from "../go";
import { plan, rounds, type RoundView } from "../plan";
import { session, signOut } from "../session";
import { kick } from "../sync";
import { now } from "../time";
import { _, clock, named, otherDay } from "../words";
import { state, zone } from "./parts";
import { postCards } from "./post";
import { ownReports } from "./reports";
import { taskCards } from "./task";

const MOST_AHEAD = 6;

export const homeScreen: Screen = (place) => {
  const person = session?.person ?? "";
  const mine = ownReports();
  const all = rounds(person).filter((one) => !one.over && one.mine);
  const opened = all.filter((one) => Date.parse(one.round.opens_at) <= now());
  const ahead = all.filter((one) => !opened.includes(one)).slice(0, MOST_AHEAD);
  replace(
    place,
    h(
      "header",
      { class: "top" },
      h("h1", {}, session?.name ?? ""),
      button("gear", "", () => go("settings"), { "aria-label": _("Settings") }),
    ),
    state(),
    ...taskCards(),
    checkInLine(),
    ...postCards(),
    opened.length ? h("h2", {}, _("Now")) : null,
    ...opened.map((one) => card(one, true)),
    opened.length ? null : h("p", { class: "muted" }, _("No round is open.")),
    ahead.length ? h("h2", {}, _("Later")) : null,
    ...ahead.map((one) => card(one, false)),
    plan ? null : h("p", { class: "muted" }, _("The plan arrives with the first signal.")),
    mine.length
      ? button("list", _("My reports ({count})", { count: mine.length }), () => go("reports"), {
          class: "quiet push",
        })
      : null,
    h(
      "div",
      { class: `pair ${mine.length ? "" : "push"}` },
      button("report", _("Report"), () => go("report"), { class: "huge" }),
      button("scan", _("Scan now"), () => go("scan"), { class: "huge" }),
    ),
    h(
      "div",
      { class: "pair" },
      call(),
      button("person", _("Change guard"), change),
    ),
  );
};

async function change(): Promise<void> {
  await signOut("changed");
  kick();
  turnTo("sign-in");
}

/** One touch calls the control room; the phone itself asks before it dials. */
function call(): HTMLElement {
  const number = plan?.site.call_number;
  if (!number) return button("school", _("Practise"), () => go("practice"));
  return h(
    "a",
    { class: "button", href: `tel:${number}` },
    icon("phone"),
    h("span", {}, _("Call control room")),
  );
}

function card(view: RoundView, open: boolean): HTMLElement {
  const { round, points, done, begun } = view;
  const late = !begun && now() > Date.parse(round.begin_by);
  const day = otherDay(round.planned_at, now(), zone());
  const from = `${day} ${clock(round.planned_at, zone())}`.trim();
  const until = clock(round.ends_at, zone());
  const bar = h("progress", { max: points.length, value: done, "aria-hidden": "true" });
  return h(
    "button",
    {
      type: "button",
      class: `card ${open ? "next" : ""} ${late ? "late" : ""}`,
      onclick: () => go("round", { id: round.id }),
    },
    h(
      "span",
      { class: "card-row" },
      h("span", { class: "card-title" }, named(round.route.name)),
      h("span", { class: "muted" }, `${done}/${points.length}`),
    ),
    h("span", { class: late ? "poor" : "muted" }, `${from}–${until} · ${standing(view, late)}`),
    open ? bar : null,
  );
}

function standing(view: RoundView, late: boolean): string {
  if (view.done === view.points.length) return _("Done");
  if (view.begun) return _("Has begun");
  return late ? _("Late") : _("To begin");
}
