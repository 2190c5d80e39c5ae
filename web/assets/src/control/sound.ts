// What sounds is what the server says nobody has accepted; this page only knows whether it can.
//
// data-sound: starting, unsupported, off (the browser waits for a tap), elsewhere (another window
// of this browser sounds), testing, sounding, lost (no contact), muted, quiet.
// data-playing: the level that is heard now.
import { now } from "../live/time";
import { Player, type Level } from "./tones";

const LOOK_MS = 500;
const LEVELS = ["low", "medium", "high", "critical"];

/** Begins to sound, and goes on as long as the page lives. */
export function keepSound(): void {
  const box = document.getElementById("sound");
  if (!box) return;
  if (typeof AudioContext === "undefined") {
    box.dataset["sound"] = "unsupported";
    return;
  }
  new Sound(box, new AudioContext());
}

class Sound {
  private readonly player: Player;
  private readonly turn: Turn;
  private testing = false;

  constructor(
    private readonly box: HTMLElement,
    private readonly context: AudioContext,
  ) {
    this.player = new Player(context);
    this.turn = new Turn(() => this.look());
    const wake = (): void => void this.wake();
    context.addEventListener("statechange", () => this.look());
    // Any tap or key will do: browsers let no page sound before one.
    for (const kind of ["pointerup", "click", "keydown"]) document.addEventListener(kind, wake, true);
    document.addEventListener("visibilitychange", wake);
    for (const id of ["sound-test", "sound-again"]) {
      document.getElementById(id)?.addEventListener("click", () => void this.test());
    }
    const heard = document.getElementById("sound-heard") as HTMLDialogElement | null;
    heard?.querySelector("form")?.addEventListener("submit", () => heard.close());
    const facts = document.getElementById("panel-sound");
    if (facts) {
      const news = { attributes: true, childList: true, subtree: true };
      new MutationObserver(() => this.look()).observe(facts, news);
    }
    document.addEventListener("wk:contact", () => this.look());
    setInterval(() => this.look(), LOOK_MS);
    wake();
  }

  private async wake(): Promise<void> {
    try {
      if (this.context.state !== "running") await this.context.resume();
    } catch {
      // There is no loudspeaker; the page goes on saying that the sound is off.
    }
    this.look();
  }

  private async test(): Promise<void> {
    const heard = document.getElementById("sound-heard") as HTMLDialogElement | null;
    close(heard);
    await this.wake();
    this.testing = true;
    this.look();
    await this.player.test();
    this.testing = false;
    this.look();
    open(heard);
  }

  private look(): void {
    const running = this.context.state === "running";
    this.turn.want(running);
    const banner = document.getElementById("muted");
    document.body.classList.toggle("is-muted", banner !== null);
    const button = document.getElementById("sound-test");
    if (button) button.hidden = !running;
    if (this.testing) {
      this.show("testing", "");
      return;
    }
    const [state, level] = running ? this.judge() : (["off", null] as const);
    this.player.play(level);
    this.show(state, level ?? "");
  }

  private judge(): readonly [string, Level | null] {
    if (!this.turn.mine) return ["elsewhere", null];
    const facts = document.getElementById("sound-facts")?.dataset ?? {};
    const muted = now() < (Date.parse(facts["mutedUntil"] ?? "") || 0);
    const level = known(muted ? facts["breaking"] : facts["ringing"]);
    if (level) return ["sounding", level];
    // Also while it is muted: what would break through a mute can't be heard of without contact.
    if (document.documentElement.classList.contains("stale")) return ["lost", "lost"];
    return [muted ? "muted" : "quiet", null];
  }

  private show(state: string, level: string): void {
    if (this.box.dataset["sound"] !== state) this.box.dataset["sound"] = state;
    if (this.box.dataset["playing"] !== level) this.box.dataset["playing"] = level;
    const word = document.getElementById("sound-level");
    const text = this.box.dataset[level] ?? "";
    if (word && word.textContent !== text) word.textContent = text;
  }
}

// Safari 15.0 to 15.3 know no dialogs; there it stands in the page, opened by its attribute alone.
function open(dialog: HTMLDialogElement | null): void {
  if (dialog && "showModal" in dialog) dialog.showModal();
  else (dialog as Element | null)?.setAttribute("open", "");
}

function close(dialog: HTMLDialogElement | null): void {
  if (dialog && "close" in dialog) dialog.close();
  else (dialog as Element | null)?.removeAttribute("open");
}

function known(level: string | undefined): Level | null {
  return LEVELS.includes(level ?? "") ? (level as Level) : null;
}

// Two windows of one browser would sound against each other: only one of those that can does.
class Turn {
  mine = !("locks" in navigator);
  private asked = false;
  private wanted = false;
  private giveBack: (() => void) | undefined;

  constructor(private readonly got: () => void) {}

  want(wanted: boolean): void {
    this.wanted = wanted;
    if (!("locks" in navigator)) return;
    if (!wanted) {
      this.giveBack?.();
      return;
    }
    if (this.asked) return;
    this.asked = true;
    void navigator.locks.request("wk:sound", () => this.hold());
  }

  private async hold(): Promise<void> {
    if (this.wanted) {
      this.mine = true;
      const until = new Promise<void>((done) => (this.giveBack = done));
      this.got();
      await until;
    }
    this.giveBack = undefined;
    this.mine = this.asked = false;
  }
}
