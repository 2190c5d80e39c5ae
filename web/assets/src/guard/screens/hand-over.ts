// Handing a post over: what is open, keys and equipment counted, what must be known; and accepting.
import { button, h, icon, replace } from "../dom";
import { go, type Screen } from "../go";
import { newId } from "../ids";
import { record } from "../journal";
import { postOf, standing } from "../posts";
import { session } from "../session";
import { signal } from "../signals";
import { kick } from "../sync";
import { now } from "../time";
import { _, clock, named, otherDay, type Named } from "../words";
import { Adding, once } from "./adding";
import { asked, shortfall, Unable } from "./online";
import { says, top, zone } from "./parts";
import { stepper, type Counted } from "./stepper";

interface OpenTicket {
  number: number;
  title: Named;
  due: string | null;
}

interface StandingAlarm {
  title: Named;
  asset: Named;
  since: string;
}

interface Item {
  id: string;
  kind: "key" | "equipment";
  name: string;
  number: number;
}

interface CountedItem extends Item {
  counted: number;
  why: string;
  ticket: number | null;
}

interface HandOver {
  id: string;
  from_id: string;
  from_name: string;
  offered_at: string;
  note: string;
  lists: { tickets: OpenTicket[]; alarms: StandingAlarm[]; items: CountedItem[] };
}

interface Sheet {
  tickets: OpenTicket[];
  alarms: StandingAlarm[];
  items: Item[];
  waiting: HandOver | null;
  unread: number;
}

const person = (): string => session?.person ?? "";

export const handOverScreen: Screen = (place, given) => {
  const post = given.get("post") ?? "";
  let ended = false;
  let adding: Adding | null = null;
  const head = (): HTMLElement[] => [
    top(_("Hand-over")),
    h("p", { class: "muted" }, named(postOf(post)?.name)),
  ];
  const load = async (): Promise<void> => {
    replace(place, ...head(), h("p", { class: "muted" }, _("One moment…")));
    try {
      const sheet = await asked<Sheet>("GET", `/posts/${post}/hand-over`);
      if (ended) return;
      const waits = sheet.waiting;
      if (waits) drawWaiting(place, head(), post, sheet, waits, load);
      else adding = drawForm(place, head(), post, sheet, load);
    } catch (error) {
      if (!(error instanceof Unable)) throw error;
      if (!ended) replace(place, ...head(), shortfall(error, load));
    }
  };
  void load();
  return () => {
    ended = true;
    adding?.end();
  };
};

/** Says what was done, and leads home. */
function done(place: HTMLElement, head: HTMLElement[], text: string): void {
  signal("recorded");
  replace(
    place,
    ...head,
    h("p", { class: "outcome flash", role: "status" }, icon("check"), text),
    button("check", _("Go on"), () => go("home"), { class: "first push" }),
  );
}

// --- The next shift ------------------------------------------------------------------------------

function drawWaiting(
  place: HTMLElement,
  head: HTMLElement[],
  post: string,
  sheet: Sheet,
  waits: HandOver,
  load: () => Promise<void>,
): void {
  const box = h("div", { class: "push" });
  const accept = once(async () => {
    try {
      await asked("POST", `/hand-overs/${waits.id}/accept`, {});
      done(place, head, _("Accepted under your name."));
    } catch (error) {
      if (!(error instanceof Unable)) throw error;
      replace(box, shortfall(error, load));
      throw error;
    }
  });
  const mine = waits.from_id === person();
  const ready = mine
    ? says(_("It waits for the next shift to accept it, on their own sign-in."))
    : button("check", _("I accept"), () => accept().catch(passed), { class: "first huge" });
  replace(box, ready);
  const when = `${otherDay(waits.offered_at, now(), zone())} ${clock(waits.offered_at, zone())}`;
  replace(
    place,
    ...head,
    h(
      "p",
      { class: "says" },
      _("{name} hands over, {time}", { name: waits.from_name, time: when.trim() }),
    ),
    waits.note ? h("p", { class: "card pre" }, waits.note) : null,
    unreadLog(post, sheet),
    ...open(waits.lists.tickets, waits.lists.alarms),
    h("h2", {}, _("Keys and equipment, as counted")),
    ...waits.lists.items.map(countedLine),
    waits.lists.items.length ? null : h("p", { class: "muted" }, _("Nothing is listed here.")),
    box,
  );
}

/** It stands on the screen already. */
function passed(error: unknown): void {
  if (!(error instanceof Unable)) throw error;
}

function countedLine(item: CountedItem): HTMLElement {
  const right = item.counted === item.number;
  return h(
    "div",
    { class: "line" },
    h(
      "span",
      {},
      item.name,
      item.why ? h("small", { class: "bad" }, item.why) : null,
      item.ticket
        ? h("small", { class: "muted" }, _("Ticket {number}", { number: item.ticket }))
        : null,
    ),
    h("b", { class: right ? "good" : "bad" }, `${item.counted}/${item.number}`),
  );
}

function unreadLog(post: string, sheet: Sheet): HTMLElement {
  const text = sheet.unread
    ? _("Pass-down log: {count} unread", { count: sheet.unread })
    : _("Pass-down log");
  return button("report", text, () => go("log", { post }), { class: sheet.unread ? "first" : "" });
}

function open(tickets: OpenTicket[], alarms: StandingAlarm[]): (HTMLElement | null)[] {
  return [
    h("h2", {}, _("Open tickets: {count}", { count: tickets.length })),
    ...tickets.map((one) =>
      h(
        "div",
        { class: "line" },
        h("span", {}, named(one.title)),
        h("small", { class: "muted" }, `#${one.number}`),
      ),
    ),
    alarms.length ? h("h2", {}, _("Alarms: {count}", { count: alarms.length })) : null,
    ...alarms.map((one) =>
      h(
        "div",
        { class: "line" },
        h("span", {}, named(one.title), h("small", { class: "muted" }, named(one.asset))),
        h("small", { class: "muted" }, clock(one.since, zone())),
      ),
    ),
  ];
}

// --- The shift that ends -------------------------------------------------------------------------

function drawForm(
  place: HTMLElement,
  head: HTMLElement[],
  post: string,
  sheet: Sheet,
  load: () => Promise<void>,
): Adding {
  const here = standing(person())?.post.id === post;
  const counted = new Map<string, Counted>();
  // A second try is the same hand-over, whatever became of the answer to the first.
  const key = newId();
  const trouble = h("div", {});
  const give = button("check", _("Hand over"), () => send().catch(passed), { class: "first huge" });
  const able = (): void => {
    const ready = sheet.items.every((item) => isWhole(item, counted.get(item.id)));
    give.disabled = !here || !ready;
  };
  const steppers = sheet.items.map((item) => stepper(item, counted, able));
  const draw = (): void => {
    able();
    replace(
      place,
      ...head,
      here ? null : says(_("You are not at this post: come to it first, by its tag."), "bad"),
      unreadLog(post, sheet),
      ...open(sheet.tickets, sheet.alarms),
      h("h2", {}, _("Count keys and equipment")),
      ...steppers,
      sheet.items.length ? null : h("p", { class: "muted" }, _("Nothing is listed here.")),
      h("h2", {}, _("What the next shift must know")),
      ...adding.fields(_("In words")),
      trouble,
      h("div", { class: "push" }, give),
    );
  };
  const adding = new Adding(`log:${person()}:${post}`, draw, able);
  const send = once(async () => {
    const { files, text } = await adding.settled();
    const items = [...counted].map(([item_id, one]) => ({ item_id, ...one }));
    try {
      await asked("POST", `/posts/${post}/hand-overs`, { counted: items, note: text }, key);
    } catch (error) {
      if (error instanceof Unable) replace(trouble, shortfall(error, load));
      throw error;
    }
    // What was said and photographed stands in the log, where the next shift hears it.
    if (files.length) await record("log_entry", { post, files, text }, { person: person(), ends: adding.ends });
    await adding.forget();
    adding.end();
    kick();
    done(place, head, _("Handed over: the next shift accepts it."));
  });
  return adding;
}

/** Whether an item was counted, and explained where it is not as many as listed. */
function isWhole(item: Item, one: Counted | undefined): boolean {
  return !!one && (one.number === item.number || !!one.why.trim());
}
