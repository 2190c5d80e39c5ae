// Markers on the plan: put where their fractions say, and moved by whoever may arrange it.

const SAVE_AFTER_MS = 700;
const STEP = 0.005;
const LARGE_STEP = 0.05;
const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Keeps the markers in place, and lets them be arranged. */
export function keepPlan(): void {
  const panel = document.getElementById("panel-plan");
  if (panel) new Plan(panel);
}

class Plan {
  // What is being moved and not saved yet; meanwhile no refresh may put it back.
  private moving: HTMLElement | undefined;
  private timer = 0;
  private missed = false;
  private focusNext = "";

  constructor(private readonly panel: HTMLElement) {
    this.putAll();
    const news = { attributeFilter: ["data-x", "data-y"], childList: true, subtree: true };
    new MutationObserver(() => this.putAll()).observe(panel, news);
    panel.addEventListener("click", (event) => this.click(event));
    panel.addEventListener("pointerdown", (event) => this.drag(event));
    panel.addEventListener("keydown", (event) => this.key(event));
    panel.addEventListener("dragstart", (event) => event.preventDefault());
    panel.addEventListener("focusout", () => void this.save());
    document.addEventListener("htmx:before:swap", (event) => this.guard(event));
  }

  private get arranging(): boolean {
    return this.panel.hasAttribute("data-arranging");
  }

  private get stage(): HTMLElement | null {
    return document.getElementById("plan-stage");
  }

  private marker(target: EventTarget | null): HTMLElement | null {
    return (target as Element | null)?.closest<HTMLElement>(".marker") ?? null;
  }

  private putAll(): void {
    for (const marker of this.panel.querySelectorAll<HTMLElement>(".marker")) {
      const [x, y] = [Number(marker.dataset["x"]), Number(marker.dataset["y"])];
      marker.style.left = `${x * 100}%`;
      marker.style.top = `${y * 100}%`;
    }
    const button = document.getElementById("plan-arrange");
    button?.setAttribute("aria-pressed", String(this.arranging));
    const next = this.focusNext ? document.getElementById(this.focusNext) : null;
    if (next) {
      this.focusNext = "";
      next.focus();
    }
  }

  private guard(event: Event): void {
    const context = ((event as CustomEvent).detail as { ctx?: { target?: unknown } }).ctx;
    if (context?.target !== this.panel || !this.moving) return;
    event.preventDefault();
    this.missed = true;
  }

  private click(event: MouseEvent): void {
    const target = event.target as Element;
    if (target.closest("#plan-arrange")) {
      void this.save();
      this.panel.toggleAttribute("data-arranging");
      this.putAll();
    }
    // A marker that is being arranged is no link.
    if (this.arranging && this.marker(target)) event.preventDefault();
    const put = target.closest<HTMLElement>("[data-put]")?.dataset["put"];
    if (put) void this.send("place", put, { x: "0.5", y: "0.5" }).then(() => this.refresh(put));
  }

  private drag(event: PointerEvent): void {
    const [marker, stage] = [this.marker(event.target), this.stage];
    if (!this.arranging || !marker || !stage || event.button) return;
    event.preventDefault();
    marker.focus();
    this.begin(marker);
    marker.setPointerCapture(event.pointerId);
    const move = (each: PointerEvent): void => {
      const ground = stage.getBoundingClientRect();
      this.move(marker, (each.clientX - ground.left) / ground.width, (each.clientY - ground.top) / ground.height);
    };
    const end = (): void => {
      marker.removeEventListener("pointermove", move);
      void this.save();
    };
    marker.addEventListener("pointermove", move);
    marker.addEventListener("pointerup", end, { once: true });
    marker.addEventListener("pointercancel", end, { once: true });
  }

  private key(event: KeyboardEvent): void {
    const marker = this.marker(event.target);
    if (!this.arranging || !marker) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      event.preventDefault();
      this.begin(marker);
      const step = event.shiftKey ? LARGE_STEP : STEP;
      const [x, y] = [Number(marker.dataset["x"]), Number(marker.dataset["y"])];
      this.move(marker, x + arrow[0] * step, y + arrow[1] * step);
      this.timer = window.setTimeout(() => void this.save(), SAVE_AFTER_MS);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      void this.send("lift", marker.dataset["asset"] ?? "", {}).then(() => this.refresh(""));
    }
  }

  private begin(marker: HTMLElement): void {
    clearTimeout(this.timer);
    if (this.moving && this.moving !== marker) void this.save();
    this.moving = marker;
  }

  private move(marker: HTMLElement, x: number, y: number): void {
    const share = (value: number): string => String(Math.round(Math.min(Math.max(value, 0), 1) * 1e4) / 1e4);
    marker.dataset["x"] = share(x);
    marker.dataset["y"] = share(y);
  }

  private async save(): Promise<void> {
    clearTimeout(this.timer);
    const marker = this.moving;
    if (!marker) return;
    const [x, y] = [marker.dataset["x"] ?? "", marker.dataset["y"] ?? ""];
    const saved = await this.send("place", marker.dataset["asset"] ?? "", { x, y });
    if (this.moving === marker && marker.dataset["x"] === x && marker.dataset["y"] === y) {
      this.moving = undefined;
    }
    if (saved) this.say("at", { name: marker.title, x: percent(x), y: percent(y) });
    if (!saved || this.missed) this.refresh("");
  }

  private async send(what: string, asset: string, more: Record<string, string>): Promise<boolean> {
    const stage = this.stage?.dataset ?? {};
    const body = new URLSearchParams({ asset, csrf: stage["csrf"] ?? "", ...more });
    try {
      const answer = await fetch(`/control-room/plans/${stage["plan"]}/${what}`, { method: "POST", body });
      if (answer.ok) return true;
    } catch {
      // The server is away; what was moved goes back to where it is known to stand.
    }
    this.say("failed", {});
    return false;
  }

  private refresh(asset: string): void {
    this.missed = false;
    this.moving = undefined;
    this.focusNext = asset ? `marker-${asset}` : "";
    document.body.dispatchEvent(new CustomEvent("wk:plan"));
  }

  private say(words: "at" | "failed", values: Record<string, string>): void {
    const place = document.getElementById("plan-said");
    if (!place) return;
    let text = place.dataset[words] ?? "";
    for (const [name, value] of Object.entries(values)) text = text.replace(`{${name}}`, value);
    place.textContent = text;
  }
}

function percent(share: string): string {
  return String(Math.round(Number(share) * 100));
}
