// A round: the next checkpoint, large, and everything else beneath it.
import { button, h, icon, redrawOn, replace } from "../dom";
import { go, type Screen } from "../go";
import { record } from "../journal";
import { checkpointOf, isDone, roundOf, type PointView, type RoundView } from "../plan";
import { readTag } from "../reading";
import { scanned, target } from "../scanning";
import { canReadTags, mayReadTags, readTags } from "../scanner";
import { session } from "../session";
import { signal } from "../signals";
import { say } from "../speech";
import { kick, onSync } from "../sync";
import { now } from "../time";
import { _, clock, named } from "../words";
import { says, ticks, top, wordOf, zone } from "./parts";

const SHOWN_MS = 6_000;

// Which point the guard chose to go to, where the order is theirs; and what was done last.
interface Going {
  chosen: number | null;
  said: { text: string; good: boolean; until: number } | null;
  spoken: number;
  reading: AbortController | null;
}

export const roundScreen: Screen = (place, given) => {
  const id = given.get("id") ?? "";
  const going: Going = { chosen: null, said: null, spoken: -1, reading: null };
  let ended = false;
  const draw = (): void => {
    if (ended) return;
    const view = roundOf(id, session?.person ?? "");
    if (view) drawRound(place, view, going, draw);
    else replace(place, top(_("Round")), h("p", {}, _("This round is not in the plan any more.")));
  };
  const deaf = redrawOn(onSync, draw);
  draw();
  void listen(id, going, draw, false);
  return () => {
    ended = true;
    deaf();
    going.reading?.abort();
  };
};

/** The first scan begins a round as well; this tells it sooner. */
async function begin(id: string): Promise<void> {
  const hint = { round: id, position: -1 };
  await record("round_start", { round: id }, { person: session?.person ?? null, hint });
  signal("recorded");
  kick();
}

/** Listens to tags. Browsers ask the first time, and only after a touch; later it just begins. */
async function listen(
  id: string,
  going: Going,
  draw: () => void,
  touched: boolean,
): Promise<void> {
  if (!canReadTags() || going.reading) return;
  if (!touched && !(await mayReadTags())) return;
  const reading = (going.reading = new AbortController());
  const take = async (serial: string, addresses: string[]): Promise<void> => {
    const shown = readTag(serial, addresses);
    const view = roundOf(id, session?.person ?? "");
    if (!shown || !view) return fail();
    const done = await scanned(shown, id, target(view, going.chosen));
    going.said = outcome(done.text, true);
    if (done.entry) going.chosen = null;
    draw();
  };
  const fail = (): void => {
    signal("wrong");
    going.said = outcome(_("The tag could not be read: hold it still."), false);
    draw();
  };
  try {
    await readTags((serial, addresses) => void take(serial, addresses), fail, reading.signal);
  } catch {
    going.reading = null;
    going.said = outcome(_("NFC is off or not allowed: use the camera."), false);
  }
  draw();
}

/** What came of the last touch; it stays for a moment, whatever is drawn meanwhile. */
function outcome(text: string, good: boolean): Going["said"] {
  return { text, good, until: performance.now() + SHOWN_MS };
}

function drawRound(place: HTMLElement, view: RoundView, going: Going, draw: () => void): void {
  const position = target(view, going.chosen);
  const next = view.points.find((one) => one.point.position === position);
  if (next && going.spoken !== position && !view.over) {
    going.spoken = position;
    say(`下一站，${checkpointOf(next.point.checkpoint_id)?.name.zh ?? ""}`);
  }
  const said = going.said && going.said.until > performance.now() ? going.said : null;
  const result = said
    ? h(
        "p",
        { class: `outcome flash ${said.good ? "" : "bad"}`, role: "status" },
        icon(said.good ? "check" : "warning"),
        said.text,
      )
    : null;
  replace(
    place,
    top(named(view.round.route.name)),
    h("progress", { max: view.points.length, value: view.done }),
    result,
    opening(view, draw),
    next ? nextCard(view, next, going, draw) : h("p", { class: "says good" }, _("Round done")),
    h("h2", {}, `${view.done}/${view.points.length}`),
    h("ul", { class: "lines" }, ...view.points.map((one) => line(one, view, going, draw))),
  );
}

/** Before it opens: when that is. Before it has begun: the button that begins it. */
function opening(view: RoundView, draw: () => void): HTMLElement | null {
  if (view.begun || view.over) return null;
  const opens = Date.parse(view.round.opens_at);
  if (opens > now()) return says(_("Opens at {time}", { time: clock(opens, zone()) }));
  const act = async (): Promise<void> => {
    await begin(view.round.id);
    draw();
  };
  return button("play", _("Begin the round"), act, { class: "first" });
}

function nextCard(view: RoundView, next: PointView, going: Going, draw: () => void): HTMLElement {
  const checkpoint = checkpointOf(next.point.checkpoint_id);
  const given = { round: view.round.id, position: String(next.point.position) };
  const touch = button("tag", _("Touch the tag"), () => listen(view.round.id, going, draw, true));
  touch.classList.add("first", "huge");
  const look = button("scan", _("Scan the code"), () => go("scan", given));
  const readsTags = canReadTags();
  if (!readsTags) look.classList.add("first", "huge");
  const listening = readsTags && !!going.reading;
  return h(
    "section",
    { class: "card next" },
    h("span", { class: "muted" }, _("Next point")),
    h("span", { class: "card-title" }, named(checkpoint?.name)),
    h("span", { class: "muted" }, where(checkpoint?.space, next)),
    listening ? h("p", { class: "says good" }, _("Hold the phone to the tag.")) : null,
    readsTags && !listening ? touch : null,
    look,
    h(
      "div",
      { class: "pair" },
      button("report", _("Report"), () =>
        go("report", { round: view.round.id, checkpoint: next.point.checkpoint_id }),
      ),
      button("lock", _("Can't scan"), () =>
        go("note", { ...given, checkpoint: next.point.checkpoint_id }),
      ),
    ),
  );
}

function where(space: { en?: string; zh?: string } | null | undefined, next: PointView): string {
  const until = _("until {time}", { time: clock(next.point.closes_at, zone()) });
  return space ? `${named(space)} · ${until}` : until;
}

function line(one: PointView, view: RoundView, going: Going, draw: () => void): HTMLElement {
  const { point, mark, at, verdict } = one;
  const chosen = target(view, going.chosen) === point.position;
  const said = mark === "refused" ? named(verdict?.text) || wordOf(mark) : "";
  const choose = (): void => {
    going.chosen = point.position;
    draw();
    place().scrollIntoView({ block: "start" });
  };
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: `line ${chosen ? "chosen" : ""}`,
        disabled: isDone(mark),
        onclick: choose,
      },
      h("b", { class: "number" }, String(point.position + 1)),
      h(
        "span",
        {},
        named(checkpointOf(point.checkpoint_id)?.name),
        said ? h("small", { class: "bad" }, said) : null,
      ),
      at ? h("small", { class: "muted" }, clock(at, zone())) : null,
      ticks(mark),
    ),
  );
}

function place(): HTMLElement {
  return document.getElementById("app")!;
}
