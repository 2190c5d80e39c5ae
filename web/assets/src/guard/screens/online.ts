// What needs signal: asked as whoever is signed in, and said plainly where it can't be.
import { askAs, Away, fetchAs, Refused } from "../api";
import { button, h } from "../dom";
import { turnTo } from "../go";
import { token } from "../session";
import { _ } from "../words";
import { says } from "./parts";

/** Why something that needs signal was not done. */
export class Unable extends Error {
  constructor(
    readonly why: "away" | "sign_in" | "refused",
    text: string,
  ) {
    super(text);
  }
}

const API = "/api/v1";

export async function asked<T>(method: string, path: string, json?: unknown, key = ""): Promise<T> {
  return able((token) => askAs<T>(token, method, API + path, json, key));
}

export async function fetched(path: string): Promise<Blob> {
  return able((token) => fetchAs(token, API + path));
}

async function able<T>(act: (token: string) => Promise<T>): Promise<T> {
  const held = token();
  if (!held) {
    // Without signal that comes first: signing in would need it as well.
    if (!navigator.onLine) throw new Unable("away", "");
    throw new Unable("sign_in", "");
  }
  try {
    return await act(held);
  } catch (error) {
    if (error instanceof Away) throw new Unable("away", "");
    if (!(error instanceof Refused)) throw error;
    throw new Unable(error.status === 401 ? "sign_in" : "refused", problemOf(error));
  }
}

/** In the words of the server: what was wrong, and what to do. */
function problemOf(error: Refused): string {
  const problems = error.more["problems"];
  const listed = Array.isArray(problems) ? problems.join("\n") : "";
  return [error.message, listed, String(error.more["advice"] ?? "")].filter((one) => one).join(" ");
}

/** What a screen shows in place of what could not be had. */
export function shortfall(problem: Unable, again: () => unknown): HTMLElement {
  if (problem.why === "refused") return says(problem.message, "bad");
  const signing = problem.why === "sign_in";
  return h(
    "section",
    { class: "card late" },
    says(
      signing
        ? _("This needs your PIN once more, with signal.")
        : _("This needs signal, because both shifts must see the same."),
    ),
    signing
      ? button("person", _("Sign in"), () => turnTo("sign-in", { back: location.hash }), { class: "first" })
      : button("sync", _("Try again"), again, { class: "first" }),
  );
}
