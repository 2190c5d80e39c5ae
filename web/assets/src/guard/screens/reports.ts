// One's own reports of this shift, how each stands, and adding to one what was seen since.
import { button, h, icon, redrawOn, replace } from "../dom";
import { go, type Screen } from "../go";
import { answers, entries, files, record } from "../journal";
import { checkpointOf, dataOf, plan } from "../plan";
import { session } from "../session";
import { signal } from "../signals";
import { kick, onSync } from "../sync";
import type { Entry } from "../types";
import { _, clock, named } from "../words";
import { Adding, once } from "./adding";
import { pictureOf } from "./choosing";
import { ticks, top, wordOf, zone } from "./parts";

// No shift is longer; older ones are seen in the console.
const SHIFT_MS = 16 * 3600_000;

const person = (): string => session?.person ?? "";

/** The reports that whoever is signed in made on this phone within a shift, the last first. */
export function ownReports(): Entry[] {
  const since = Date.now() - SHIFT_MS;
  const mine = entries.filter((one) => one.person === person() && one.at > since);
  return mine.filter((one) => one.kind === "report").reverse();
}

function nameOf(report: Entry): string {
  const choice = dataOf(report)["choice"];
  return named(plan?.choices.find((one) => one.code === choice)?.name) || _("Report");
}

function additionsTo(report: Entry): Entry[] {
  return entries.filter((one) => one.kind === "report_more" && dataOf(one)["report"] === report.id);
}

function markOf(entry: Entry): "recorded" | "checked" | "refused" {
  const verdict = answers.get(entry.seq);
  if (!verdict) return "recorded";
  return verdict.verdict === "refused" ? "refused" : "checked";
}

export const reportsScreen: Screen = (place) => {
  const draw = (): void => {
    const own = ownReports();
    replace(
      place,
      top(_("My reports")),
      ...own.map(card),
      own.length ? null : h("p", { class: "muted" }, _("Nothing yet.")),
      button("report", _("Report"), () => go("report"), { class: "push" }),
    );
  };
  draw();
  return redrawOn(onSync, draw);
};

function card(report: Entry): HTMLElement {
  const verdict = answers.get(report.seq);
  const said = markOf(report);
  return h(
    "button",
    { type: "button", class: "card", onclick: () => go("more", { report: report.id }) },
    h(
      "span",
      { class: "card-row" },
      h("span", { class: "card-title" }, nameOf(report)),
      h("span", { class: "muted" }, clock(report.at, zone())),
      ticks(said),
    ),
    verdict?.ticket_number ? h("span", {}, _("Ticket {number}", { number: verdict.ticket_number })) : null,
    h("span", { class: said === "refused" ? "bad" : "muted" }, standing(report)),
  );
}

/** In words: why it does not count, what is still on its way, or how it stands. */
function standing(report: Entry): string {
  const verdict = answers.get(report.seq);
  if (markOf(report) === "refused") return named(verdict?.text) || wordOf("refused");
  const of = [report, ...additionsTo(report)].flatMap((one) => dataOf(one)["files"] as string[]);
  const open = of.filter((id) => files.get(id)?.state === "waiting").length;
  if (open) return _("{count} photos or voice notes to send", { count: open });
  return wordOf(markOf(report));
}

export const moreScreen: Screen = (place, given) => {
  const report = entries.find((one) => one.id === given.get("report") && one.person === person());
  if (!report) {
    replace(place, top(_("Report")), h("p", {}, _("This report is not on this phone any more.")));
    return;
  }
  const before = h("section", { class: "card" });
  const drawBefore = (): void => drawReported(before, report);
  const add = button("check", _("Add to the report"), () => send(), { class: "first huge" });
  const draw = (): void => {
    add.disabled = adding.isEmpty;
    drawBefore();
    replace(
      place,
      top(nameOf(report)),
      before,
      h("h2", {}, _("Add to this report")),
      ...adding.fields(_("Add words")),
      h("div", { class: "push" }, add),
    );
  };
  const adding = new Adding(report.id, draw, () => (add.disabled = adding.isEmpty));
  const send = once(async () => {
    const { files, text } = await adding.settled();
    await record("report_more", { report: report.id, files, text }, { person: person(), ends: adding.ends });
    await adding.forget();
    signal("recorded");
    kick();
    history.back();
  });
  const deaf = redrawOn(onSync, drawBefore);
  return () => {
    deaf();
    adding.end();
  };
};

/** What was reported before, and how that stands. */
function drawReported(box: HTMLElement, report: Entry): void {
  const data = dataOf(report);
  const where = checkpointOf(String(data["checkpoint"] ?? ""));
  replace(
    box,
    where ? h("span", {}, named(where.name)) : null,
    line(report, String(data["text"] ?? "")),
    ...additionsTo(report).map((one) => line(one, String(dataOf(one)["text"] ?? ""))),
    h("span", { class: "muted" }, standing(report)),
  );
}

function line(entry: Entry, text: string): HTMLElement {
  const taken = dataOf(entry)["files"] as string[];
  const photos = taken.filter((id) => files.get(id)?.what === "photo").length;
  const voices = taken.length - photos;
  const choice = plan?.choices.find((one) => one.code === dataOf(entry)["choice"]);
  const parts = [clock(entry.at, zone()), text];
  if (photos) parts.push(_("{count} photos", { count: photos }));
  if (voices) parts.push(_("{count} voice notes", { count: voices }));
  return h(
    "span",
    { class: "card-row" },
    icon(choice ? pictureOf(choice.icon) : "report"),
    h("span", { class: "grow" }, parts.filter((one) => one).join(" · ")),
    ticks(markOf(entry)),
  );
}
