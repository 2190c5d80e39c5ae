// A report in three touches: what, a photo, send. What is taken stays until it is sent.
import { button, h, replace } from "../dom";
import type { Screen } from "../go";
import { record } from "../journal";
import { checkpointOf, plan } from "../plan";
import { session } from "../session";
import { signal } from "../signals";
import { read, write } from "../store";
import { kick } from "../sync";
import type { Draft } from "../types";
import { _, named } from "../words";
import { Attaching } from "./attaching";
import { choiceButton, pictureOf } from "./choosing";
import { top } from "./parts";

const writer = (): string => session?.person ?? "";
const drafts = async (): Promise<Record<string, Draft>> => (await read("phone", "drafts")) ?? {};

export const reportScreen: Screen = (place, given) => {
  let form: Form | null = null;
  let ended = false;
  const begin = async (): Promise<void> => {
    const draft: Draft = (await drafts())[writer()] ?? {
      choice: "",
      checkpoint: given.get("checkpoint") || null,
      round: given.get("round"),
      files: [],
      checks: {},
      text: "",
    };
    if (ended) return;
    // What was begun before somebody was sent there is of this.
    if (given.get("task")) draft.task = given.get("task");
    form = new Form(place, draft);
    form.draw();
  };
  void begin();
  return () => {
    ended = true;
    form?.taken.end();
  };
};

class Form {
  readonly taken: Attaching;
  private sending = false;

  constructor(
    private readonly place: HTMLElement,
    private readonly draft: Draft,
  ) {
    this.taken = new Attaching({
      files: () => this.draft.files,
      keep: (files) => this.keep({ files }),
      draw: () => this.draw(),
    });
  }

  draw(): void {
    if (this.taken.isOver) return;
    const chosen = plan?.choices.find((one) => one.code === this.draft.choice);
    const place = checkpointOf(this.draft.checkpoint ?? "");
    if (!chosen) {
      const choose = (code: string): Promise<void> => this.keep({ choice: code });
      replace(
        this.place,
        top(_("What is it?")),
        place ? h("p", { class: "muted" }, named(place.name)) : null,
        h("div", { class: "tiles" }, ...(plan?.choices ?? []).map((one) => choiceButton(one, choose))),
        plan?.choices.length ? null : h("p", {}, _("The choices arrive with the first signal.")),
      );
      return;
    }
    const send = button("check", _("Send the report"), () => this.send(), { class: "first huge" });
    replace(
      this.place,
      top(_("Report")),
      button(pictureOf(chosen.icon), named(chosen.name), () => this.keep({ choice: "" })),
      place ? h("p", { class: "muted" }, named(place.name)) : null,
      h("div", { class: "pair" }, this.taken.camera(), this.taken.microphone()),
      this.taken.taken(),
      ...chosen.checks.map((one) => this.check(one.code, named(one.text))),
      this.words(),
      this.taken.said,
      h("div", { class: "push" }, send),
    );
  }

  private async keep(change: Partial<Draft>): Promise<void> {
    Object.assign(this.draft, change);
    await write("phone", { ...(await drafts()), [writer()]: { ...this.draft } }, "drafts");
    this.draw();
  }

  /** A question of the checklist: yes, no, or left open. */
  private check(code: string, text: string): HTMLElement {
    const answer = (said: boolean): HTMLElement => {
      const on = this.draft.checks[code] === said;
      const keep = (): Promise<void> => this.keep({ checks: { ...this.draft.checks, [code]: said } });
      const one = button(said ? "check" : "cross", said ? _("Yes") : _("No"), keep, {
        "aria-pressed": String(on),
        "data-check": code,
      });
      one.classList.toggle("on", on);
      return one;
    };
    const both = h("div", { class: "pair" }, answer(true), answer(false));
    return h("div", { class: "card", role: "group", "aria-label": text }, text, both);
  }

  private words(): HTMLElement {
    const field = h("textarea", {
      rows: 2,
      maxlength: 2000,
      onchange: () => void this.keep({ text: field.value.trim() }),
    });
    field.value = this.draft.text;
    return h("details", {}, h("summary", { class: "line" }, _("Add words")), field);
  }

  /** Once, however often it is tapped, and with everything that was taken before the tap. */
  private async send(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      await this.taken.settled();
      const { choice, checkpoint, round, files, checks, text, task = null } = this.draft;
      const data = { choice, checkpoint, round, files, checks, text, task };
      const ends = { of: "drafts", key: writer() } as const;
      await record("report", data, { person: session?.person ?? null, ends });
    } catch (error) {
      this.sending = false;
      throw error;
    }
    signal("recorded");
    kick();
    history.back();
  }
}
