// Words, photos and voice that are being added to something; kept until they are sent.
import { h } from "../dom";
import { read, write } from "../store";
import type { Addition } from "../types";
import { Attaching } from "./attaching";

/** Runs what is asked for once, however often a button is tapped; after a failure it may again. */
export function once(act: () => Promise<void>): () => Promise<void> {
  let busy = false;
  return async () => {
    if (busy) return;
    busy = true;
    try {
      await act();
    } catch (error) {
      busy = false;
      throw error;
    }
  };
}

export class Adding {
  readonly taken: Attaching;
  private addition: Addition = { files: [], text: "" };
  private readonly field = h("textarea", { rows: 2, maxlength: 2000 });

  /** key: of what it is added to, and by whom. changed: while somebody writes. */
  constructor(
    private readonly key: string,
    private readonly draw: () => void,
    changed: () => void,
  ) {
    this.taken = new Attaching({
      files: () => this.addition.files,
      keep: (files) => this.keep({ files }),
      draw: () => this.drawn(),
    });
    this.field.addEventListener("input", changed);
    this.field.addEventListener("change", () => void this.keep({ text: this.text }, false));
    void this.open();
  }

  private async open(): Promise<void> {
    const kept = (await read("phone", "additions"))?.[this.key];
    if (kept) this.addition = kept;
    this.field.value = this.addition.text;
    this.drawn();
  }

  private drawn(): void {
    if (!this.taken.isOver) this.draw();
  }

  get text(): string {
    return this.field.value.trim();
  }

  get isEmpty(): boolean {
    return !this.addition.files.length && !this.text;
  }

  /** The fields for it. label: what is to be written. */
  fields(label: string): HTMLElement[] {
    return [
      h("div", { class: "pair" }, this.taken.camera(), this.taken.microphone()),
      this.taken.taken(),
      h("label", { class: "field" }, label, this.field),
      this.taken.said,
    ];
  }

  private async keep(change: Partial<Addition>, drawn = true): Promise<void> {
    Object.assign(this.addition, change);
    const all = (await read("phone", "additions")) ?? {};
    await write("phone", { ...all, [this.key]: { ...this.addition, text: this.text } }, "additions");
    if (drawn) this.drawn();
  }

  /** All of it, once everything stands in the journal that was taken before. */
  async settled(): Promise<Addition> {
    await this.taken.settled();
    return { files: this.addition.files, text: this.text };
  }

  /** What an entry that holds it takes along. */
  get ends(): { of: "additions"; key: string } {
    return { of: "additions", key: this.key };
  }

  /** It was sent: the next one begins empty. */
  async forget(): Promise<void> {
    this.addition = { files: [], text: "" };
    this.field.value = "";
    const rest = (await read("phone", "additions")) ?? {};
    delete rest[this.key];
    await write("phone", rest, "additions");
  }

  end(): void {
    this.taken.end();
  }
}
