// Naming a colleague in a text: @ and the beginning of a name, in Chinese, pinyin or its initials,
// shows those who may be named. Whom somebody chose goes along with the form by id.
const TYPED = /(?:^|[^A-Za-z0-9._-])[@＠]([^\s@＠]{0,30}(?: [^\s@＠]{0,30})?)$/;
const PAUSE_MS = 120;

interface Colleague {
  id: string;
  name: string;
}

// Whether a button of the mouse is down; a tap is told as one, too.
let pressed = false;

export function nameColleagues(): void {
  document.addEventListener("mousedown", () => (pressed = true), true);
  document.addEventListener("mouseup", () => (pressed = false), true);
  for (const place of document.querySelectorAll<HTMLElement>("[data-naming]")) {
    const text = place.querySelector("textarea");
    const list = place.querySelector<HTMLElement>("[role=listbox]");
    if (text && list) new Naming(place, text, list);
  }
}

class Naming {
  private colleagues: Colleague[] = [];
  private marked = 0;
  private timer = 0;
  private asked = 0;

  constructor(
    private readonly place: HTMLElement,
    private readonly text: HTMLTextAreaElement,
    private readonly list: HTMLElement,
  ) {
    text.setAttribute("aria-autocomplete", "list");
    text.setAttribute("aria-haspopup", "listbox");
    text.setAttribute("aria-controls", list.id);
    text.autocomplete = "off";
    text.addEventListener("input", () => this.later());
    text.addEventListener("keydown", (event) => this.key(event));
    text.addEventListener("blur", () => this.leave());
    // The field keeps the focus, so that a tap on a name is not the end of the list.
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = (event.target as Element).closest<HTMLElement>("[role=option]");
      if (option) this.choose(Number(option.dataset["at"]));
    });
    text.form?.addEventListener("submit", () => this.tidy());
  }

  private typed(): string | null {
    const before = this.text.value.slice(0, this.text.selectionStart);
    return TYPED.exec(before)?.[1] ?? null;
  }

  private later(): void {
    window.clearTimeout(this.timer);
    if (this.typed() === null) this.close();
    else this.timer = window.setTimeout(() => void this.ask(), PAUSE_MS);
  }

  private async ask(): Promise<void> {
    const typed = this.typed();
    if (typed === null) return;
    const asked = ++this.asked;
    let found: Colleague[];
    try {
      const query = encodeURIComponent(typed.trim());
      const answer = await fetch(`${this.place.dataset["naming"]}?q=${query}`);
      if (!answer.ok) return;
      found = (await answer.json()) as Colleague[];
    } catch {
      // Out of reach: the name stays as it is written, and means who bears it alone.
      return;
    }
    // Somebody typed on meanwhile, or went elsewhere.
    if (asked !== this.asked || this.typed() !== typed) return;
    this.open(found, typed);
  }

  private open(found: Colleague[], typed: string): void {
    this.colleagues = found;
    this.marked = 0;
    this.list.replaceChildren(...found.map((one, at) => this.option(one, at)));
    this.list.hidden = found.length === 0;
    this.mark(0);
    this.list.scrollIntoView({ block: "nearest" });
    const { none, some } = this.place.dataset;
    // Behind a whole name a sentence goes on; that nobody is called so says nothing then.
    const nobody = typed.includes(" ") ? "" : (none ?? "");
    this.say(found.length ? (some ?? "").replace("{count}", String(found.length)) : nobody);
  }

  private option(one: Colleague, at: number): HTMLElement {
    const item = document.createElement("li");
    item.id = `${this.list.id}-${at}`;
    item.dataset["at"] = String(at);
    item.setAttribute("role", "option");
    item.textContent = one.name;
    return item;
  }

  private mark(at: number): void {
    const count = this.colleagues.length;
    this.marked = count ? (at + count) % count : 0;
    for (const [place, item] of [...this.list.children].entries()) {
      item.setAttribute("aria-selected", String(place === this.marked));
      if (place === this.marked) item.scrollIntoView({ block: "nearest" });
    }
    const marked = this.list.children[this.marked];
    if (marked) this.text.setAttribute("aria-activedescendant", marked.id);
  }

  private key(event: KeyboardEvent): void {
    // While an input method composes, its own list has the keys.
    if (this.list.hidden || event.isComposing) return;
    if (event.key === "ArrowDown") this.mark(this.marked + 1);
    else if (event.key === "ArrowUp") this.mark(this.marked - 1);
    else if (event.key === "Enter" || event.key === "Tab") this.choose(this.marked);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  private choose(at: number): void {
    const chosen = this.colleagues[at];
    const typed = this.typed();
    if (!chosen || typed === null) return;
    const end = this.text.selectionStart;
    const begin = end - typed.length;
    this.text.setRangeText(`${chosen.name} `, begin, end, "end");
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "tell";
    field.value = chosen.id;
    field.dataset["name"] = chosen.name;
    this.place.append(field);
    this.close();
    this.text.focus();
  }

  private say(what: string): void {
    const line = this.place.querySelector("[data-naming-says]");
    if (line) line.textContent = what;
  }

  private close(): void {
    this.asked += 1;
    this.colleagues = [];
    this.list.hidden = true;
    this.list.replaceChildren();
    this.text.removeAttribute("aria-activedescendant");
    this.say("");
  }

  /** Whoever presses something else must meet it: what stands below moves up as the list goes. */
  private leave(): void {
    this.asked += 1;
    if (!pressed) return this.close();
    const over = (): number => window.setTimeout(() => this.close());
    document.addEventListener("mouseup", over, { once: true });
  }

  /** Whose name was taken out of the text again is not named; of one name who was chosen last is. */
  private tidy(): void {
    const fields = [...this.place.querySelectorAll<HTMLInputElement>("input[name=tell]")];
    const names = new Set(fields.map((field) => field.dataset["name"] ?? ""));
    let text = this.text.value.replace(/＠/g, "@");
    // The longest first: Li Na Wang is not Li Na.
    for (const name of [...names].sort((one, other) => other.length - one.length)) {
      const around = text.split(`@${name}`);
      const theirs = fields.filter((field) => field.dataset["name"] === name);
      for (const field of theirs.slice(0, Math.max(0, theirs.length - around.length + 1))) {
        field.remove();
      }
      text = around.join(" ");
    }
  }
}
