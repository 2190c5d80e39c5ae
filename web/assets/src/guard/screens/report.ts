// A report in three touches: what, a photo, send. What is taken stays until it is sent.
import { button, h, icon, replace } from "../dom";
import { canRecord, photo, Voice, type Taken } from "../capture";
import type { Screen } from "../go";
import { newId } from "../ids";
import { files, record } from "../journal";
import { checkpointOf, plan } from "../plan";
import { session } from "../session";
import { signal } from "../signals";
import { database, read, write } from "../store";
import { kick } from "../sync";
import type { Draft } from "../types";
import { _, named } from "../words";
import { choiceButton, pictureOf } from "./choosing";
import { says, top } from "./parts";

const writer = (): string => session?.person ?? "";
const drafts = async (): Promise<Record<string, Draft>> => (await read("phone", "drafts")) ?? {};

export const reportScreen: Screen = (place, given) => {
  let voice: Voice | null = null;
  let ended = false;
  const addresses: string[] = [];
  const begin = async (): Promise<void> => {
    const draft: Draft = (await drafts())[writer()] ?? {
      choice: "",
      checkpoint: given.get("checkpoint"),
      round: given.get("round"),
      files: [],
      checks: {},
      text: "",
    };
    if (!ended) new Form(place, draft, (one) => (voice = one), addresses).draw();
  };
  void begin();
  return () => {
    ended = true;
    voice?.end();
    for (const one of addresses) URL.revokeObjectURL(one);
  };
};

class Form {
  private readonly said = says("");
  private voice: Voice | null = null;
  /** What is being taken: a report waits for it. */
  private taking: Promise<unknown> = Promise.resolve();
  private sending = false;
  private readonly pictures = new Map<string, string>();

  constructor(
    private readonly place: HTMLElement,
    private readonly draft: Draft,
    private readonly hold: (voice: Voice | null) => void,
    private readonly addresses: string[],
  ) {}

  draw(): void {
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
      h("div", { class: "pair" }, this.camera(), this.microphone()),
      this.taken(),
      ...chosen.checks.map((one) => this.check(one.code, named(one.text))),
      this.words(),
      this.said,
      h("div", { class: "push" }, send),
    );
  }

  private async keep(change: Partial<Draft>): Promise<void> {
    Object.assign(this.draft, change);
    await write("phone", { ...(await drafts()), [writer()]: { ...this.draft } }, "drafts");
    this.draw();
  }

  /** The camera of the phone itself takes the picture: it knows the flash and the dark best. */
  private camera(): HTMLElement {
    const input = h("input", {
      type: "file",
      accept: "image/*",
      capture: "environment",
      "aria-label": _("Take a photo"),
      onchange: () => this.take(this.photos([...(input.files ?? [])])),
    });
    return h("label", { class: "button take huge" }, icon("camera"), h("span", {}, _("Take a photo")), input);
  }

  private take(one: Promise<unknown>): void {
    this.taking = Promise.allSettled([this.taking, one]);
  }

  private async photos(chosen: File[]): Promise<void> {
    for (const one of chosen) {
      const taken = await photo(one);
      const most = plan?.settings.photo_bytes ?? Infinity;
      if (taken.bytes.byteLength > most) this.said.textContent = _("This picture is too large.");
      else await this.add("photo", taken);
    }
  }

  private microphone(): HTMLElement {
    const running = this.voice !== null;
    const word = running ? _("Stop") : _("Voice note");
    const act = running ? () => this.voice?.end() : () => this.take(this.listen());
    const one = button(running ? "stop" : "microphone", word, act, { class: "huge" });
    one.classList.toggle("on", running);
    one.hidden = !canRecord();
    return one;
  }

  private async listen(): Promise<void> {
    try {
      this.voice = await Voice.begin();
    } catch {
      this.said.textContent = _("The microphone is not allowed.");
      return;
    }
    this.hold(this.voice);
    this.draw();
    const taken = await this.voice.ended;
    this.voice = null;
    this.hold(null);
    await this.add("voice", taken);
  }

  /** Recorded the moment it was taken: its hash stands in the journal before anything else happens. */
  private async add(what: "photo" | "voice", taken: Taken): Promise<void> {
    const { type, bytes, sha256 } = taken;
    const id = newId();
    const size = bytes.byteLength;
    const file = { id, what, type, sha256, size, bytes, state: "waiting", received: 0 } as const;
    const data = { file: id, what, sha256, bytes: size };
    await record("file", data, { person: session?.person ?? null, file });
    signal("recorded");
    if (what === "photo") this.keepPicture(id, bytes, type);
    await this.keep({ files: [...this.draft.files, id] });
    kick();
  }

  private taken(): HTMLElement {
    const box = h("div", { class: "photos" });
    for (const id of this.draft.files) {
      const file = files.get(id);
      if (file?.what === "voice") box.append(h("p", { class: "card" }, icon("microphone"), "✓"));
      else if (file) void this.show(box, id);
    }
    return box;
  }

  private async show(box: HTMLElement, id: string): Promise<void> {
    const place = h("span", { class: "photo", "data-photo": id }, icon("camera"), icon("check"));
    box.append(place);
    const address = this.pictures.get(id) ?? (await this.pictureOf(id));
    // Its bytes may have left the phone already: the server has them.
    if (address) place.replaceChildren(h("img", { alt: _("Photo"), src: address }));
  }

  private async pictureOf(id: string): Promise<string> {
    const kept = await (await database()).get("files", id);
    return kept?.bytes ? this.keepPicture(id, kept.bytes, kept.type) : "";
  }

  private keepPicture(id: string, bytes: ArrayBuffer, type: string): string {
    const address = URL.createObjectURL(new Blob([bytes], { type }));
    this.addresses.push(address);
    this.pictures.set(id, address);
    return address;
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
      this.voice?.end();
      await this.taking;
      const { choice, checkpoint, round, files, checks, text } = this.draft;
      const data = { choice, checkpoint, round, files, checks, text };
      await record("report", data, { person: session?.person ?? null });
    } catch (error) {
      this.sending = false;
      throw error;
    }
    const rest = await drafts();
    delete rest[writer()];
    await write("phone", rest, "drafts");
    signal("recorded");
    kick();
    history.back();
  }
}
