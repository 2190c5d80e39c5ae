// Who holds the phone: a name and a PIN, on keys that a glove hits.
import { button, h, icon, replace } from "../dom";
import { holderOf } from "../badges";
import { turnTo, type Screen } from "../go";
import { plan } from "../plan";
import { knownPeople, session, signIn, type By, type Outcome } from "../session";
import { kick } from "../sync";
import { _, clock } from "../words";
import { BadgeEyes } from "./badge-eyes";
import { says, state, zone } from "./parts";

const SHORTEST = 6;
const LONGEST = 10;

type Who = By & { name: string };

let eyes: BadgeEyes | null = null;
let shown = false;
// The screen that asked for a PIN, to which it leads back.
let back = "";

export const signInScreen: Screen = (place, given) => {
  shown = true;
  const wished = given.get("back") ?? "";
  // A link from elsewhere must not lead away from the app.
  back = wished.startsWith("#/") ? wished : "";
  // Whoever is signed in already is asked for their PIN alone.
  if (back && session) askPin(place, { person_id: session.person, name: session.name });
  else void choosePerson(place);
  return () => {
    shown = false;
    shut();
  };
};

/** No badge is read on other screens. */
function shut(): void {
  eyes?.end();
  eyes = null;
}

/** Whose badge it is, if that is known here; else only that it is one. */
async function showBadge(place: HTMLElement, number: string): Promise<void> {
  const known = await holderOf(number);
  const who = { badge: number, name: known?.name ?? _("this badge") };
  if (!plan?.settings.badge_alone || plan.phone.kind !== "post") return askPin(place, who);
  const outcome = await signIn(who, "");
  if (outcome.no === "needs_pin") return askPin(place, who);
  if (outcome.session) settle(place, who, outcome);
  else await choosePerson(place, outcome.no === "wrong" ? _("Nobody here has this badge.") : wording(outcome));
}

async function choosePerson(place: HTMLElement, said = ""): Promise<void> {
  const people = await knownPeople();
  if (!shown) return;
  shut();
  eyes = new BadgeEyes((number) => showBadge(place, number));
  const login = h("input", { name: "login", autocomplete: "off", autocapitalize: "none" });
  const other = h(
    "form",
    {
      class: "field",
      hidden: people.length > 0,
      onsubmit: (event) => {
        event.preventDefault();
        const text = login.value.trim();
        if (text) askPin(place, { login: text, name: text });
      },
    },
    h("label", { class: "field" }, _("How you sign in to Watchkeeper"), login),
    h("button", { class: "button first" }, icon("check"), h("span", {}, _("Go on"))),
  );
  const show = button("person", _("Somebody else"), () => {
    other.hidden = false;
    show.hidden = true;
    login.focus();
  });
  show.hidden = people.length === 0;
  replace(
    place,
    h(
      "header",
      { class: "top" },
      h("h1", {}, _("Who is on duty?")),
      button("gear", "", () => turnTo("settings"), { "aria-label": _("Settings") }),
    ),
    plan ? h("p", { class: "muted" }, plan.phone.label) : null,
    said ? says(said) : null,
    h(
      "div",
      { class: "tiles" },
      ...people.map((one) =>
        button("person", one.name, () => askPin(place, { person_id: one.id, name: one.name })),
      ),
    ),
    eyes.place,
    show,
    other,
    h("div", { class: "push" }, state()),
  );
}

interface Asking {
  title: string;
  said: string;
  kind: string;
}

function askPin(place: HTMLElement, who: Who, said = ""): void {
  shut();
  const asking = { title: _("PIN of {name}", { name: who.name }), said, kind: said ? "bad" : "" };
  keypad(place, asking, async (pin) => {
    const outcome = await signIn(who, pin);
    if (outcome.no === "change_pin") askNew(place, who, pin);
    else settle(place, who, outcome);
  });
}

/** A first PIN was told by somebody else; their own takes its place at once. */
function askNew(place: HTMLElement, who: Who, pin: string, said = ""): void {
  const title = _("Choose a PIN of your own, 6 to 10 digits");
  keypad(place, { title, said, kind: said ? "bad" : "" }, async (first) => {
    keypad(place, { title: _("The same PIN once more"), said: "", kind: "" }, async (second) => {
      if (first !== second) return askNew(place, who, pin, _("The two were not the same."));
      const outcome = await signIn(who, pin, first);
      if (outcome.no === "refused") askNew(place, who, pin, outcome.more);
      else settle(place, who, outcome);
    });
  });
}

function settle(place: HTMLElement, who: Who, outcome: Outcome): void {
  if (outcome.session) {
    kick();
    if (back) location.replace(back);
    else turnTo("home");
    return;
  }
  askPin(place, who, wording(outcome));
}

function wording({ no, more }: Outcome): string {
  const until = more && no === "wait" ? clock(more, zone()) : "";
  return {
    wrong: _("That was not the right PIN or name."),
    wait: _("Too many wrong tries: wait until {time}.", { time: until }),
    not_yours: _("This phone belongs to somebody else."),
    needs_signal: _("The first time on this phone needs signal."),
    too_many: _("Too many wrong tries: now it needs signal."),
    expired: _("Signed in too long ago: now it needs signal."),
    needs_pin: _("Type your PIN as well."),
    change_pin: "",
    refused: more,
  }[no ?? "refused"];
}

function keypad(place: HTMLElement, asking: Asking, done: (pin: string) => Promise<void>): void {
  let pin = "";
  const dots = h("div", { class: "dots", role: "status" });
  const said = says(asking.said, asking.kind);
  const keys = h("div", { class: "keys" });
  const draw = (): void => {
    const count = Math.max(SHORTEST, pin.length);
    replace(dots, ...Array.from({ length: count }, (_one, at) => dot(at < pin.length)));
    dots.setAttribute("aria-label", _("{count} digits", { count: pin.length }));
    enter.disabled = pin.length < SHORTEST;
  };
  const press = (digit: string): void => {
    said.textContent = "";
    if (pin.length < LONGEST) pin += digit;
    draw();
  };
  const send = async (): Promise<void> => {
    for (const key of keys.querySelectorAll("button")) key.disabled = true;
    said.className = "says";
    said.textContent = _("One moment…");
    try {
      await done(pin);
    } catch (error) {
      // Nothing was kept of it: they type it once more.
      askAgain();
      throw error;
    }
  };
  const askAgain = (): void => {
    for (const key of keys.querySelectorAll("button")) key.disabled = false;
    said.textContent = pin = "";
    draw();
  };
  const digit = (one: string): HTMLElement =>
    h("button", { type: "button", class: "button", onclick: () => press(one) }, one);
  const erase = button("erase", "", () => ((pin = pin.slice(0, -1)), draw()), {
    "aria-label": _("Erase a digit"),
  });
  const enter = button("check", "", send, { class: "first", "aria-label": _("Sign in") });
  keys.append(...[..."123456789"].map(digit), erase, digit("0"), enter);
  const back = button("back", "", () => choosePerson(place), { "aria-label": _("Back") });
  replace(
    place,
    h("header", { class: "top" }, back, h("h1", {}, asking.title)),
    dots,
    said,
    keys,
  );
  draw();
  // A phone with keys, or a tablet on a desk.
  place.onkeydown = (event) => {
    if (!keys.isConnected) place.onkeydown = null;
    else if (/^\d$/.test(event.key)) press(event.key);
    else if (event.key === "Backspace") erase.click();
    else if (event.key === "Enter" && !enter.disabled && event.target === place) enter.click();
  };
  place.focus();
}

function dot(full: boolean): HTMLElement {
  return h("i", { class: full ? "full" : "" });
}
