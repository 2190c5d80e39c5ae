// One's own reports of this shift, how each stands, and adding to one what was seen since.
import { button, h, icon, replace } from "../dom";
import { go, type Screen } from "../go";
import { answers, entries, files, record } from "../journal";
import { checkpointOf, dataOf, plan } from "../plan";
import { session } from "../session";
import { signal } from "../signals";
import { read, write } from "../store";
import { kick, onSync } from "../sync";
import type { Addition, Entry } from "../types";
import { _, clock, named } from "../words";
import { Attaching } from "./attaching";
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
  return onSync(draw);
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
  if (!report) return replace(place, top(_("Report")), h("p", {}, _("This report is not on this phone any more.")));
  let ended = false;
  let more: More | null = null;
  const begin = async (): Promise<void> => {
    const kept = (await read("phone", "additions"))?.[report.id];
    if (ended) return;
    more = new More(place, report, kept ?? { files: [], text: "" });
    more.draw();
  };
  void begin();
  const deaf = onSync(() => more?.drawBefore());
  return () => {
    ended = true;
    deaf();
    more?.taken.end();
  };
};

class More {
  readonly taken: Attaching;
  private readonly before = h("section", { class: "card" });
  private sending = false;

  constructor(
    private readonly place: HTMLElement,
    private readonly report: Entry,
    private readonly addition: Addition,
  ) {
    this.taken = new Attaching({
      files: () => this.addition.files,
      keep: (files) => this.keep({ files }),
      draw: () => this.draw(),
    });
  }

  draw(): void {
    if (this.taken.isOver) return;
    const { files: taken, text } = this.addition;
    const add = button("check", _("Add to the report"), () => this.add(), { class: "first huge" });
    add.disabled = !taken.length && !text;
    const field = h("textarea", {
      rows: 2,
      maxlength: 2000,
      oninput: () => (add.disabled = !this.addition.files.length && !field.value.trim()),
      onchange: () => void this.keep({ text: field.value.trim() }, false),
    });
    field.value = text;
    this.drawBefore();
    replace(
      this.place,
      top(nameOf(this.report)),
      this.before,
      h("h2", {}, _("Add to this report")),
      h("div", { class: "pair" }, this.taken.camera(), this.taken.microphone()),
      this.taken.taken(),
      h("label", { class: "field" }, _("Add words"), field),
      this.taken.said,
      h("div", { class: "push" }, add),
    );
  }

  /** What was reported before, and how that stands. */
  drawBefore(): void {
    const data = dataOf(this.report);
    const where = checkpointOf(String(data["checkpoint"] ?? ""));
    replace(
      this.before,
      where ? h("span", {}, named(where.name)) : null,
      line(this.report, String(data["text"] ?? "")),
      ...additionsTo(this.report).map((one) => line(one, String(dataOf(one)["text"] ?? ""))),
      h("span", { class: "muted" }, standing(this.report)),
    );
  }

  private async keep(change: Partial<Addition>, drawn = true): Promise<void> {
    Object.assign(this.addition, change);
    const kept = (await read("phone", "additions")) ?? {};
    await write("phone", { ...kept, [this.report.id]: { ...this.addition } }, "additions");
    if (drawn) this.draw();
  }

  /** Once, however often it is tapped, and with everything that was taken before the tap. */
  private async add(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    const field = this.place.querySelector("textarea");
    try {
      await this.taken.settled();
      const text = field?.value.trim() ?? this.addition.text;
      const data = { report: this.report.id, files: this.addition.files, text };
      await record("report_more", data, { person: person() });
    } catch (error) {
      this.sending = false;
      throw error;
    }
    const rest = (await read("phone", "additions")) ?? {};
    delete rest[this.report.id];
    await write("phone", rest, "additions");
    signal("recorded");
    kick();
    history.back();
  }
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
