// Calls for help above every page: heard until somebody answers, and told that they are seen.
import { Player } from "../control/tones";

const LOOK_MS = 500;

/** Lets the bar sound, and says once what stands on a screen that somebody looks at. */
export function keepCalls(): void {
  const bar = document.getElementById("panel-sos");
  if (!bar) return;
  const told = new Set<string>();
  const look = (): void => {
    sound.look(bar.querySelector("[data-ringing]") !== null);
    if (document.visibilityState !== "visible") return;
    for (const call of bar.querySelectorAll<HTMLElement>("[data-unseen]")) {
      const address = call.dataset["unseen"] ?? "";
      if (told.has(address)) continue;
      told.add(address);
      void tell(bar, address).catch(() => told.delete(address));
    }
  };
  const sound = new CallSound();
  new MutationObserver(look).observe(bar, { childList: true, subtree: true, attributes: true });
  document.addEventListener("visibilitychange", look);
  setInterval(look, LOOK_MS);
  look();
}

async function tell(bar: HTMLElement, address: string): Promise<void> {
  const headers = { "X-CSRF-Token": bar.dataset["csrf"] ?? "", "HX-Request": "true" };
  const answer = await fetch(address, { method: "POST", headers });
  if (!answer.ok && answer.status >= 500) throw new Error(String(answer.status));
}

class CallSound {
  private player: Player | undefined;
  private context: AudioContext | undefined;

  look(ringing: boolean): void {
    // The control room has a sound of its own, with a test and a mute that is put on record.
    if (document.getElementById("sound") || typeof AudioContext === "undefined") return;
    if (ringing && !this.context) this.begin();
    if (!this.context || !this.player) return;
    const running = this.context.state === "running";
    this.player.play(ringing && running ? "critical" : null);
    const bar = document.getElementById("panel-sos");
    const heard = ringing ? (running ? "yes" : "no") : "";
    if (bar && bar.dataset["heard"] !== heard) bar.dataset["heard"] = heard;
    const note = document.getElementById("sos-mute");
    // Written only where it differs: each writing would wake the observer of the bar again.
    if (note && note.hidden !== running) note.hidden = running;
  }

  private begin(): void {
    const context = new AudioContext();
    this.context = context;
    this.player = new Player(context);
    // Any tap or key will do: browsers let no page sound before one.
    const wake = (): void => void context.resume().catch(() => undefined);
    for (const kind of ["pointerup", "click", "keydown"]) document.addEventListener(kind, wake, true);
    wake();
  }
}
