// Which screen is shown: a name in the address, so that the button of the phone goes back.
export type Name =
  | "home"
  | "round"
  | "scan"
  | "report"
  | "note"
  | "post"
  | "posts"
  | "orders"
  | "log"
  | "hand-over"
  | "reports"
  | "more"
  | "task"
  | "privacy"
  | "practice"
  | "settings"
  | "sync"
  | "ground"
  | "sos"
  | "sign-in"
  | "enrol";

export interface Where {
  name: Name;
  given: URLSearchParams;
}

export function where(): Where {
  // The code that a supervisor's screen shows, as an address.
  if (location.hash.startsWith("#enrol=")) {
    return { name: "enrol", given: new URLSearchParams(location.hash.slice(1)) };
  }
  const [name, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { name: (name || "home") as Name, given: new URLSearchParams(query ?? "") };
}

export function go(name: Name, given: Record<string, string> = {}): void {
  const query = new URLSearchParams(given).toString();
  location.hash = `#/${name}${query ? `?${query}` : ""}`;
}

/** Without a way back to the screen that is left. */
export function turnTo(name: Name, given: Record<string, string> = {}): void {
  const query = new URLSearchParams(given).toString();
  location.replace(`#/${name}${query ? `?${query}` : ""}`);
}

/** A screen draws itself into its place; what it gives back cleans up when another one comes. */
export type Screen = (place: HTMLElement, given: URLSearchParams) => void | (() => void);
