// Photos and voice notes that belong to something which is being written: each recorded as it is taken.
import { button, h, icon } from "../dom";
import { canRecord, photo, Voice, type Taken } from "../capture";
import { newId } from "../ids";
import { files, record } from "../journal";
import { plan } from "../plan";
import { session } from "../session";
import { signal } from "../signals";
import { database } from "../store";
import { kick } from "../sync";
import { _ } from "../words";
import { says } from "./parts";

const MOST_FILES = 20;

interface Writing {
  /** Ids of what was taken so far. */
  files(): string[];
  /** Keeps them, and draws the screen anew. */
  keep(files: string[]): Promise<void>;
  draw(): void;
}

export class Attaching {
  readonly said = says("");
  private voice: Voice | null = null;
  /** What is being taken: whatever is sent waits for it. */
  private taking: Promise<unknown> = Promise.resolve();
  private ended = false;

  /** Whether another screen is shown by now. */
  get isOver(): boolean {
    return this.ended;
  }

  private readonly pictures = new Map<string, string>();

  constructor(private readonly writing: Writing) {}

  /** The screen is left: nothing is recorded any more, and pictures leave the memory. */
  end(): void {
    this.ended = true;
    this.voice?.end();
    for (const one of this.pictures.values()) URL.revokeObjectURL(one);
  }

  /** Resolves once everything stands in the journal that was taken before. */
  async settled(): Promise<void> {
    this.voice?.end();
    await this.taking;
  }

  /** The camera of the phone itself takes the picture: it knows the flash and the dark best. */
  camera(): HTMLElement {
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
    const told = one.catch(() => {
      signal("wrong");
      this.said.textContent = _("This could not be kept. Take it again.");
    });
    this.taking = Promise.allSettled([this.taking, told]);
  }

  /** Whether one more fits; the server takes no more with one entry. */
  private hasRoom(): boolean {
    const has = this.writing.files().length < MOST_FILES;
    if (!has) this.said.textContent = _("{count} are the most. Send these, then add more.", { count: MOST_FILES });
    return has;
  }

  private async photos(chosen: File[]): Promise<void> {
    for (const one of chosen) {
      if (!this.hasRoom()) return;
      const taken = await photo(one);
      const most = plan?.settings.photo_bytes ?? Infinity;
      if (taken.bytes.byteLength > most) this.said.textContent = _("This picture is too large.");
      else await this.add("photo", taken);
    }
  }

  microphone(): HTMLElement {
    const running = this.voice !== null;
    const word = running ? _("Stop") : _("Voice note");
    const act = running ? () => this.voice?.end() : () => this.take(this.listen());
    const one = button(running ? "stop" : "microphone", word, act, { class: "huge" });
    one.classList.toggle("on", running);
    one.hidden = !canRecord();
    return one;
  }

  private async listen(): Promise<void> {
    if (!this.hasRoom()) return;
    try {
      this.voice = await Voice.begin();
    } catch {
      this.said.textContent = _("The microphone is not allowed.");
      return;
    }
    if (this.ended) this.voice.end();
    this.writing.draw();
    const taken = await this.voice.ended;
    this.voice = null;
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
    await this.writing.keep([...this.writing.files(), id]);
    kick();
  }

  /** What was taken so far. */
  taken(): HTMLElement {
    const box = h("div", { class: "photos" });
    for (const id of this.writing.files()) {
      const file = files.get(id);
      if (file?.what === "voice") box.append(h("p", { class: "card", "data-voice": id }, icon("microphone"), "✓"));
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
    if (this.ended) URL.revokeObjectURL(address);
    else this.pictures.set(id, address);
    return address;
  }
}
