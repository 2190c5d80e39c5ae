// Reading a badge where somebody signs in: held to the phone, or its square before the camera.
import { readBadge } from "../badges";
import { button, h, replace } from "../dom";
import { Camera, canReadTags, canSee } from "../scanner";
import { signal } from "../signals";
import { _ } from "../words";
import { says } from "./parts";
import { TagEar } from "./tag-ear";

/** Buttons for it. take: the number that was read. end: when another screen comes. */
export class BadgeEyes {
  readonly place = h("div", { class: "stack" });
  private camera: Camera | null = null;
  private ended = false;
  private readonly said = says("", "bad");
  private readonly ear: TagEar;

  constructor(private readonly take: (number: string) => unknown) {
    this.ear = new TagEar((serial) => this.read(serial), () => this.draw());
    this.draw();
    void this.ear.beginIfAllowed();
  }

  private draw(): void {
    if (this.ended) return;
    this.said.textContent = this.ear.trouble;
    const able = canReadTags() && !this.ear.listening;
    replace(
      this.place,
      this.ear.listening ? h("p", { class: "muted" }, _("Or hold your badge to the phone.")) : null,
      this.said,
      h(
        "div",
        { class: able && canSee() ? "pair" : "" },
        able ? button("tag", _("Touch your badge"), () => this.ear.begin()) : null,
        canSee() ? button("scan", _("Scan your badge"), () => this.look()) : null,
      ),
    );
  }

  private read(text: string): void {
    const number = readBadge(text);
    if (!number) return this.fail();
    this.end();
    signal("recorded");
    void this.take(number);
  }

  private fail(): void {
    signal("wrong");
    this.said.textContent = _("That is no badge.");
  }

  private async look(): Promise<void> {
    const video = h("video", {});
    const back = button("cross", _("Back"), () => {
      this.camera?.close();
      this.draw();
    });
    replace(this.place, h("div", { class: "seen" }, video), this.said, back);
    try {
      const camera = await Camera.open(video);
      if (this.ended) return camera.close();
      this.camera = camera;
      let wrong = "";
      camera.look((text) => {
        // A foreign square is told once, not ten times a second.
        if (text === wrong || this.ended) return;
        wrong = text;
        this.read(text);
      });
    } catch {
      this.draw();
      this.said.textContent = _("The camera is not allowed.");
    }
  }

  end(): void {
    this.ended = true;
    this.ear.end();
    this.camera?.close();
  }
}
