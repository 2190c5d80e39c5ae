// One event stream a browser: the tab that holds the lock listens and tells the others.
import { hear } from "./clocks";
import { LEAVING_MS, isLeaving } from "./leaving";
import { setServerNow } from "./time";

interface Changed {
  panels: string[];
  tickets: string[];
}
type Values = Record<string, [string, string]>;
type Heard =
  | { kind: "contact"; age: number; now: string }
  | { kind: "changed"; changed: Changed }
  | { kind: "values"; values: Values };

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 5_000;

/** Follows the stream that the page names, else that of the calls for help, if it has either. */
export function followLive(): void {
  const calls = document.getElementById("panel-sos")?.dataset["stream"];
  const address = document.body.dataset["stream"] ?? calls;
  if (!address) return;
  const channel = "BroadcastChannel" in window ? new BroadcastChannel(`wk:${address}`) : undefined;
  channel?.addEventListener("message", (event: MessageEvent<Heard>) => take(event.data));
  const tell = (heard: Heard): void => {
    take(heard);
    channel?.postMessage(heard);
  };
  if ("locks" in navigator && channel) {
    void navigator.locks.request(`wk:${address}`, () => listen(address, tell));
  } else {
    void listen(address, tell);
  }
}

// Never resolves: the lock is held as long as the tab lives.
function listen(address: string, tell: (heard: Heard) => void): Promise<never> {
  let wait = FIRST_WAIT_MS;
  const open = (): void => {
    const source = new EventSource(address);
    const on = (kind: string, act: (data: never) => void): void =>
      source.addEventListener(kind, (event) => act(JSON.parse((event as MessageEvent).data) as never));
    source.addEventListener("open", () => {
      wait = FIRST_WAIT_MS;
    });
    // The server tells every change from here on; whatever happened before is fetched now.
    on("following", () =>
      tell({ kind: "changed", changed: { panels: everyPanel(), tickets: ["*"] } }),
    );
    on("contact", (data: { age: number; now: string }) => tell({ kind: "contact", ...data }));
    on("changed", (changed: Changed) => tell({ kind: "changed", changed }));
    on("values", (data: { values: Values }) => tell({ kind: "values", values: data.values }));
    source.addEventListener("error", () => {
      // The browser's own retry stops at the first answer that is not a stream.
      source.close();
      setTimeout(open, isLeaving() ? LEAVING_MS : wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    });
  };
  open();
  return new Promise<never>(() => undefined);
}

/** Fetches every panel of the page anew. */
export function refreshAll(): void {
  refresh({ panels: everyPanel(), tickets: ["*"] });
}

function everyPanel(): string[] {
  return [
    ...["parts", "summary", "alarms", "tickets", "devices", "tree", "activity", "points"],
    ...["sound", "plan", "fires", "visits", "rounds", "sos", "lone", "walk"],
  ];
}

function take(heard: Heard): void {
  if (heard.kind === "contact") {
    setServerNow(heard.now);
    hear(heard.age);
    // Scripts of single pages have a clock of their own.
    document.dispatchEvent(new CustomEvent("wk:contact", { detail: heard.now }));
  } else if (heard.kind === "changed") {
    refresh(heard.changed);
  } else {
    showValues(heard.values);
  }
}

function refresh(changed: Changed): void {
  for (const panel of changed.panels) trigger(panel);
  document.dispatchEvent(new CustomEvent("wk:changed", { detail: changed }));
  const ticket = document.body.dataset["ticket"];
  if (!ticket || !(changed.tickets.includes(ticket) || changed.tickets.includes("*"))) return;
  trigger("ticket");
  // Nobody loses what they are writing; the form's version makes a late press refuse.
  if (!isBeingWritten(document.getElementById("ticket-actions"))) trigger("ticket-actions");
}

function trigger(panel: string): void {
  document.body.dispatchEvent(new CustomEvent(`wk:${panel}`));
}

/** Whether somebody has begun to use the forms of a panel. */
export function isBeingWritten(panel: Element | null): boolean {
  if (!panel) return true;
  if (panel.querySelector("details[open]") || panel.contains(document.activeElement)) return true;
  // A photo that was chosen and not sent yet is as lost as a text.
  const chosen = [...panel.querySelectorAll<HTMLInputElement>("input[type=file]")];
  if (chosen.some((field) => (field.files?.length ?? 0) > 0)) return true;
  const numbers = [...panel.querySelectorAll<HTMLInputElement>("input[inputmode=decimal]")];
  if (numbers.some((field) => field.value !== field.defaultValue)) return true;
  return [...panel.querySelectorAll("textarea")].some((field) => field.value.trim() !== "");
}

function showValues(values: Values): void {
  for (const [point, [text, at]] of Object.entries(values)) {
    for (const element of document.querySelectorAll(`[data-point="${point}"]`)) {
      if (element.textContent !== text) element.textContent = text;
      element.classList.remove("silent");
    }
    for (const time of document.querySelectorAll<HTMLTimeElement>(`[data-point-at="${point}"]`)) {
      time.dateTime = at;
    }
  }
  document.dispatchEvent(new CustomEvent("wk:values"));
}
