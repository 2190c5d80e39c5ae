// A call for help, and how far its answer came; without one, how to call and a place to try it.
import { button, h, icon, replace } from "../dom";
import { Taps, TAPS, WITHIN_MS } from "../duress";
import { turnTo, type Screen } from "../go";
import { holdButton } from "../hold";
import type { IconName } from "../icons";
import { answers, entries } from "../journal";
import { checkpointOf, dataOf, plan } from "../plan";
import { isHeldMute } from "../signals";
import {
  callOff,
  close,
  isAloud,
  isUnreached,
  numberOf,
  onCalls,
  press,
  sender,
  shownCall,
  standingOf,
  whyNot,
  type Standing,
} from "../sos";
import { read } from "../store";
import { contact } from "../sync";
import type { Call, Entry } from "../types";
import { _, clock, named } from "../words";
import { says, top, zone } from "./parts";

export const sosScreen: Screen = (place) => {
  let shown = "";
  let asking = false;
  const draw = async (): Promise<void> => {
    const call = shownCall();
    const heard = contact.heardAt || ((await read("phone", "offset"))?.at ?? 0);
    // Drawn anew only where something changed: whoever types a phrase must not be disturbed.
    const now = JSON.stringify([call ?? null, call && [standingOf(call), whyNot(call), isAloud(call)], heard, asking]);
    if (now === shown || (asking && shown)) return;
    shown = now;
    if (!call) return void drawHow(place);
    const ask = (): void => {
      drawPhrase(place, call, () => {
        asking = false;
        shown = "";
        void draw();
      });
      asking = true;
    };
    drawCall(place, call, heard, ask);
  };
  void draw();
  return onCalls(() => void draw());
};

// --- A call that stands --------------------------------------------------------------------------

const PICTURES: Record<Standing, IconName> = {
  sending: "clock",
  unsent: "cross",
  received: "check",
  seen: "checks",
  acknowledged: "person",
  coming: "run",
  over: "check",
};
const GOOD = new Set<Standing>(["acknowledged", "coming", "over"]);

function drawCall(place: HTMLElement, call: Call, heard: number, ask: () => void): void {
  const standing = standingOf(call);
  const over = standing === "over";
  const why = whyNot(call);
  replace(
    place,
    top(call.practice ? _("Practice SOS") : _("SOS of {name}", { name: call.name })),
    call.practice ? says(_("Practice: it counts nowhere, and nobody is told.")) : null,
    h(
      "section",
      { class: `sos-state ${toneOf(standing)}`, role: "alert", "data-sos": standing },
      icon(PICTURES[standing]),
      h("div", {}, h("strong", {}, headline(call)), ...more(call, heard).map((one) => h("p", {}, one))),
    ),
    why ? says(why, "bad") : null,
    isAloud(call) && isHeldMute() ? says(_("Touch the screen: before that the browser makes no sound.")) : null,
    call.calledOff && !over
      ? says(
          call.practice
            ? _("The practice ends.")
            : _("You said that it is over. It stays until a colleague has seen to it."),
        )
      : null,
    over ? null : telephone(call),
    over ? null : steps(call),
    ...(over ? [] : lastPlaces(call, heard)),
    over && call.said?.looks.length ? looks(call.said.looks) : null,
    over || call.calledOff
      ? button("check", _("Close"), () => leave(call), { class: "first push" })
      : button("cross", call.practice ? _("End the practice") : _("Call the SOS off"), call.practice ? () => callOff(call, "") : ask, {
          class: "push",
        }),
  );
}

async function leave(call: Call): Promise<void> {
  await close(call);
  turnTo("home");
}

function toneOf(standing: Standing): string {
  if (GOOD.has(standing)) return "good";
  return standing === "unsent" ? "bad" : "poor";
}

/** In few words, also for the bar above other screens. */
export function headline(call: Call): string {
  const { acknowledged_by: by = null, coming_by: coming = null } = call.said ?? {};
  return {
    sending: _("Sending…"),
    unsent: whyNot(call) ? _("NOT SENT: it is refused") : _("NOT SENT: no contact"),
    received: call.said ? _("Sent, nobody has answered yet") : _("Sent"),
    seen: _("Seen, not answered"),
    acknowledged: by ? _("{name} has answered", { name: by }) : _("Somebody has answered"),
    coming: coming ? _("{name} is on the way", { name: coming }) : _("Help is on the way"),
    over: _("It is over"),
  }[standingOf(call)];
}

function more(call: Call, heard: number): string[] {
  const standing = standingOf(call);
  if (standing === "unsent" && whyNot(call)) return [_("Call by telephone.")];
  if (standing === "unsent") {
    const since = heard ? _("No contact since {time}", { time: clock(heard, zone()) }) : _("No contact yet");
    const advice = _("The phone tries again every 2 seconds. Call by telephone, shout, go where there is signal.");
    return [since, advice];
  }
  if (standing === "over") return call.practice ? [] : [_("A colleague has ended it.")];
  if (isUnreached(call)) return [_("No contact at the moment: this is what was known last.")];
  if (standing === "sending") return [_("Pressed at {time}", { time: clock(call.pressedAt, zone()) })];
  return [_("The call goes on by itself: keep the app open.")];
}

function telephone(call: Call): HTMLElement {
  const number = numberOf(call);
  if (!number) return h("p", { class: "muted" }, _("No number of a control room is set for this site."));
  const words = _("Call {number}", { number });
  return h("a", { class: "button huge sos-tel", href: `tel:${number}` }, icon("phone"), h("span", {}, words));
}

function steps(call: Call): HTMLElement {
  const said = call.said;
  const by = (name: string | null | undefined, text: string): string => (name ? _("{what}: {more}", { what: text, more: name }) : text);
  const lines: [string, string | number | null][] = [
    [_("You pressed"), call.pressedAt],
    [_("Sent"), said?.received_at ?? null],
    [_("Seen by a colleague"), said?.seen_at ?? null],
    [by(said?.acknowledged_by, _("Answered by a colleague")), said?.acknowledged_at ?? null],
    [by(said?.coming_by, _("Coming to you")), said?.coming_at ?? null],
  ];
  return h(
    "ol",
    { class: "lines sos-steps" },
    ...lines.map(([text, at]) =>
      h(
        "li",
        { class: `line ${at ? "" : "muted"}` },
        icon(at ? "check" : "dots"),
        h("span", {}, text),
        h("small", {}, at ? clock(at, zone()) : "–"),
      ),
    ),
  );
}

/** Where they were: for whoever tells it by telephone, and where to go for signal. */
function lastPlaces(call: Call, heard: number): (HTMLElement | null)[] {
  const scans = entries.filter((one) => one.kind === "scan" && one.person === call.person);
  const said = (scan: Entry | undefined, text: (given: Record<string, string>) => string): HTMLElement | null => {
    const place = scan ? placeOf(scan) : "";
    if (!scan || !place) return null;
    return h("p", { class: "muted" }, text({ place, time: clock(scan.at, zone()) }));
  };
  const near = standingOf(call) === "unsent" ? scans.filter((one) => one.at <= heard) : [];
  return [
    said(scans[scans.length - 1], (given) => _("Last scan: {place}, {time}", given)),
    said(near[near.length - 1], (given) => _("Last place with signal: {place}, {time}", given)),
  ];
}

function placeOf(scan: Entry): string {
  const { round, position } = scan.hint ?? { round: "", position: -1 };
  const point = plan?.rounds.find((one) => one.id === round)?.points.find((one) => one.position === position);
  const shown = dataOf(scan)["shown"] as { checkpoint_id?: string } | undefined;
  const id = answers.get(scan.seq)?.checkpoint_id ?? point?.checkpoint_id ?? shown?.checkpoint_id ?? "";
  return named(checkpointOf(id)?.name);
}

function looks(found: { by: string; at: string }[]): HTMLElement {
  return h(
    "section",
    {},
    h("h2", {}, _("Who looked at where you were")),
    h("ul", { class: "lines" }, ...found.map((one) => h("li", { class: "line" }, h("span", {}, one.by), h("small", {}, clock(one.at, zone()))))),
  );
}

function drawPhrase(place: HTMLElement, call: Call, done: () => void): void {
  const phrase = h("input", { name: "phrase", type: "password", autocomplete: "off", maxlength: 200 });
  replace(
    place,
    top(_("Call the SOS off")),
    h("p", {}, _("Type your phrase, if you have set one. A colleague makes sure in any case.")),
    h(
      "form",
      {
        class: "field sos-phrase",
        onsubmit: (event) => {
          event.preventDefault();
          void callOff(call, phrase.value).then(done);
        },
      },
      h("label", { class: "field" }, _("Your phrase"), phrase),
      h("button", { class: "button first" }, icon("check"), h("span", {}, _("Call the SOS off"))),
      button("back", _("Back"), done),
    ),
  );
  phrase.focus();
}

// --- Without one ---------------------------------------------------------------------------------

async function drawHow(place: HTMLElement): Promise<void> {
  const who = await sender();
  const taps = new Taps();
  const tried = h("p", { class: "says", role: "status" });
  const line = h(
    "div",
    {
      class: "sos-mock",
      onpointerdown: (event) => {
        const done = taps.tap(event.timeStamp);
        tried.className = done ? "says good" : "says";
        tried.textContent = done
          ? _("That would have called. In earnest nothing is shown, heard or felt.")
          : _("{count} of {all}", { count: taps.count, all: TAPS });
      },
    },
    _("Line to practise on"),
  );
  replace(
    place,
    top(_("SOS")),
    h("p", {}, _("Hold the red button until the ring is full. It stands at the bottom of every screen.")),
    h("h2", {}, _("Practise")),
    h("p", {}, _("It is shown to the control room as practice, counts nowhere, and sounds here after 5 seconds.")),
    who ? holdButton(_("Practice SOS"), () => press({ practice: true }), "practice") : null,
    h("h2", {}, _("When nobody must see it")),
    h(
      "p",
      {},
      _("Tap {count} times on the line at the top of any screen, within {seconds} seconds. More taps do no harm.", {
        count: TAPS,
        seconds: WITHIN_MS / 1000,
      }),
    ),
    line,
    tried,
    h("p", { class: "muted" }, _("With your phrase you show that you call it off yourself. You set it in the console, on the page for calls for help.")),
  );
}
