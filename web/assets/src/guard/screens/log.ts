// The pass-down log of a post: read with signal, written with or without.
import { button, h, replace } from "../dom";
import { type Screen } from "../go";
import { answers, entries, record } from "../journal";
import { dataOf } from "../plan";
import { postOf } from "../posts";
import { session } from "../session";
import { signal } from "../signals";
import { kick } from "../sync";
import { now } from "../time";
import type { Entry } from "../types";
import { _, clock, named, otherDay } from "../words";
import { Adding, once } from "./adding";
import { asked, fetched, shortfall, Unable } from "./online";
import { ticks, top, zone } from "./parts";

interface LogFile {
  id: string;
  what: "photo" | "voice";
  state: string;
}

interface LogEntry {
  id: string;
  person_id: string;
  person_name: string;
  written_at: string;
  text: string;
  files: LogFile[];
  readers: { person_id: string; name: string }[];
}

const PAGE = 50;
const person = (): string => session?.person ?? "";

export const logScreen: Screen = (place, given) => {
  const id = given.get("post") ?? "";
  const list = h("section", { class: "stack", "aria-live": "polite" });
  const addresses: string[] = [];
  let ended = false;
  const write = button("check", _("Write it into the log"), () => send(), { class: "first" });
  const able = (): boolean => (write.disabled = adding.isEmpty);
  let writing = false;
  const show = (): void => {
    writing = true;
    draw();
  };
  const draw = (): void => {
    able();
    // What was begun is seen at once; else reading comes first.
    const fields = writing || !adding.isEmpty;
    replace(
      place,
      top(_("Pass-down log")),
      h("p", { class: "muted" }, named(postOf(id)?.name)),
      ...(fields ? [...adding.fields(_("What the next shift must know")), write] : []),
      fields ? null : button("report", _("Write into the log"), show),
      list,
    );
  };
  const adding = new Adding(`log:${person()}:${id}`, draw, able);
  const send = once(async () => {
    const { files, text } = await adding.settled();
    await record("log_entry", { post: id, files, text }, { person: person(), ends: adding.ends });
    await adding.forget();
    signal("recorded");
    kick();
    history.back();
  });
  const load = async (): Promise<void> => {
    replace(list, h("p", { class: "muted" }, _("One moment…")));
    try {
      const page = await asked<{ items: LogEntry[] }>("GET", `/posts/${id}/log?limit=${PAGE}`);
      if (!ended) drawLog(list, id, page.items, load, addresses);
    } catch (error) {
      if (!(error instanceof Unable)) throw error;
      if (!ended) replace(list, ...waiting(id), shortfall(error, load));
    }
  };
  void load();
  return () => {
    ended = true;
    adding.end();
    for (const one of addresses) URL.revokeObjectURL(one);
  };
};

function drawLog(
  list: HTMLElement,
  post: string,
  items: LogEntry[],
  load: () => Promise<void>,
  addresses: string[],
): void {
  const fresh = items.filter((one) => isUnread(one));
  const read = async (): Promise<void> => {
    try {
      // What was written since this page was loaded stays unread.
      await asked("POST", `/posts/${post}/log/read`, { up_to: items[0]!.id });
      signal("recorded");
      await load();
    } catch (error) {
      if (!(error instanceof Unable)) throw error;
      replace(list, shortfall(error, load));
    }
  };
  replace(
    list,
    fresh.length
      ? button("check", _("I have read the new ones: {count}", { count: fresh.length }), read, {
          class: "first huge",
        })
      : null,
    ...waiting(post),
    ...items.map((one) => shown(one, addresses)),
    items.length ? null : h("p", { class: "muted" }, _("Nothing yet.")),
  );
}

function isUnread(one: LogEntry): boolean {
  return one.person_id !== person() && !one.readers.some((each) => each.person_id === person());
}

/** What was written here and is not in the log yet. */
function waiting(post: string): HTMLElement[] {
  return entries
    .filter((one) => one.kind === "log_entry" && dataOf(one)["post"] === post)
    .filter((one) => answers.get(one.seq)?.verdict !== "accepted")
    .map(own)
    .reverse();
}

function own(entry: Entry): HTMLElement {
  const verdict = answers.get(entry.seq);
  const text = String(dataOf(entry)["text"] ?? "") || _("Voice note");
  return h(
    "article",
    { class: "card" },
    h("span", {}, text),
    verdict ? h("span", { class: "bad" }, named(verdict.text)) : null,
    h(
      "span",
      { class: "card-row muted" },
      h("span", {}, `${session?.name ?? ""} · ${clock(entry.at, zone())}`),
      ticks(verdict ? "refused" : "recorded"),
    ),
  );
}

function shown(one: LogEntry, addresses: string[]): HTMLElement {
  const day = otherDay(one.written_at, now(), zone());
  const when = `${day} ${clock(one.written_at, zone())}`.trim();
  const readers = one.readers.map((each) => each.name).join(", ");
  return h(
    "article",
    { class: `card ${isUnread(one) ? "late" : ""}`, "data-entry": one.id },
    one.text ? h("span", { class: "pre" }, one.text) : null,
    ...one.files.map((each) => file(each, addresses)),
    h("span", { class: "muted" }, `${one.person_name} · ${when}`),
    readers ? h("span", { class: "muted" }, _("Read by {names}", { names: readers })) : null,
  );
}

function file(one: LogFile, addresses: string[]): HTMLElement {
  const voice = one.what === "voice";
  const word = voice ? _("Listen") : _("Photo");
  const box = h("div", {});
  if (one.state !== "complete") {
    replace(box, h("span", { class: "muted" }, _("{what}: still on its way", { what: word })));
    return box;
  }
  const open = async (): Promise<void> => {
    try {
      const src = URL.createObjectURL(await fetched(`/guard-files/${one.id}`));
      addresses.push(src);
      const player = voice
        ? h("audio", { controls: true, autoplay: true, src, "aria-label": _("Voice note") })
        : h("img", { src, alt: _("Photo"), class: "large" });
      replace(box, player);
    } catch (error) {
      if (!(error instanceof Unable)) throw error;
      replace(box, shortfall(error, open));
    }
  };
  replace(box, button(voice ? "noise" : "camera", word, open));
  return box;
}
