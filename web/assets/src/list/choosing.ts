// Choosing tickets in the list, one by one, by a range or all of it, and doing one thing to them.

interface Choices {
  people: [string, string][];
  total: number;
  most: number;
  tickets: string[];
}

/** The boxes, the bar below the list, and the keys. Returns what keeps a choice over a redraw. */
export function chooseTickets(): { keep: () => () => void } | undefined {
  const bar = document.getElementById("bulk") as HTMLFormElement | null;
  if (!bar) return undefined;
  let last = "";
  let choices: Choices | undefined;
  let asked = false;
  let all = false;
  // Of all that were chosen, those of which this page has no row.
  const more = bar.querySelector<HTMLElement>(".bulk-more");
  const action = bar.querySelector<HTMLSelectElement>("#bulk-action");

  const update = (): void => {
    const count = picks().filter((pick) => pick.checked).length;
    bar.hidden = count === 0;
    if (count > 0 && !asked) {
      asked = true;
      void ask(bar).then((found) => {
        choices = found;
        update();
      });
    }
    say(bar, count, all ? choices : undefined);
    offerTargets(bar);
    offerAll(bar, all ? undefined : choices);
    const page = document.getElementById("pick-all") as HTMLInputElement | null;
    if (page) {
      page.checked = count > 0 && count === picks().length;
      page.indeterminate = count > 0 && !page.checked;
    }
    for (const pick of picks()) pick.closest("li")?.classList.toggle("item-picked", pick.checked);
  };
  const setAll = (chosen: boolean): void => {
    all = chosen && choices !== undefined;
    const here = new Set(picks().map(idOf));
    const tickets = all ? (choices?.tickets ?? []) : [];
    const elsewhere = tickets.filter((ticket) => !here.has(ticket.split(":")[0] ?? ""));
    more?.replaceChildren(...elsewhere.map(hidden));
  };
  const set = (checked: boolean): void => {
    for (const pick of picks()) pick.checked = checked;
    if (!checked) setAll(false);
    update();
  };

  document.addEventListener("click", (event) => {
    const pick = event.target as HTMLInputElement;
    if (!pick.matches?.("[data-pick]")) return;
    if (event.shiftKey && last) fill(last, idOf(pick), pick.checked);
    last = idOf(pick);
    if (!pick.checked) setAll(false);
    update();
  });
  document.addEventListener("change", (event) => {
    const box = event.target as HTMLInputElement;
    if (box.id === "pick-all") set(box.checked);
  });
  bar.querySelector(".bulk-none")?.addEventListener("click", () => set(false));
  bar.querySelector(".bulk-all")?.addEventListener("click", () => {
    // What is in the list by now, which is what the button will say that was chosen.
    void ask(bar).then((found) => {
      if (!found) return;
      choices = found;
      const first = new Set(found.tickets.map((each) => each.split(":")[0] ?? ""));
      for (const pick of picks()) pick.checked = first.has(idOf(pick));
      setAll(true);
      update();
    });
  });
  const show = (): void => showFields(bar, action?.value ?? "");
  action?.addEventListener("change", show);
  bar.addEventListener("submit", (event) => {
    const button = (event as SubmitEvent).submitter;
    if (button?.hasAttribute("data-do")) button.classList.add("under-way");
  });
  // Who comes back asks for something new; the same again would be answered with the old.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) (bar.elements.namedItem("batch") as HTMLInputElement).value = newId();
    update();
  });
  byKeys(update);
  show();
  update();
  return { keep: () => keep(update) };
}

function picks(): HTMLInputElement[] {
  return [...document.querySelectorAll<HTMLInputElement>("[data-pick]")];
}

function idOf(pick: HTMLInputElement): string {
  return pick.closest<HTMLElement>("[data-ticket]")?.dataset["ticket"] ?? "";
}

function fill(from: string, to: string, checked: boolean): void {
  const rows = picks();
  const ends = [from, to].map((id) => rows.findIndex((pick) => idOf(pick) === id));
  if (ends.includes(-1)) return;
  for (const pick of rows.slice(Math.min(...ends), Math.max(...ends) + 1)) pick.checked = checked;
}

function say(bar: HTMLElement, count: number, every: Choices | undefined): void {
  const words = every
    ? bar.dataset[every.total > every.most ? "firstChosen" : "allChosen"]
    : bar.dataset["chosen"];
  const shown = written(words, every ? every.total : count, every?.most ?? 0);
  const text = bar.querySelector(".bulk-count");
  if (text && text.textContent !== shown) text.textContent = shown;
}

function offerAll(bar: HTMLElement, choices: Choices | undefined): void {
  const button = bar.querySelector<HTMLButtonElement>(".bulk-all");
  if (!button) return;
  button.hidden = !choices || choices.total <= picks().length;
  if (!choices) return;
  const words = bar.dataset[choices.total > choices.most ? "first" : "all"];
  button.textContent = written(words, choices.total, choices.most);
}

// Of the chosen ones on this page one may be the one into which the others go.
function offerTargets(bar: HTMLElement): void {
  const select = bar.querySelector<HTMLSelectElement>("#bulk-into");
  if (!select) return;
  const wanted = select.value;
  const chosen = picks().filter((pick) => pick.checked);
  const options = chosen.map((pick) => {
    const words = pick.closest("li")?.querySelector(".item-title a")?.textContent ?? "";
    return new Option(words.replace(/\s+/g, " ").trim(), idOf(pick));
  });
  select.replaceChildren(...[...select.options].slice(0, 1), ...options);
  select.value = options.some((option) => option.value === wanted) ? wanted : "";
}

function written(words: string | undefined, count: number, most: number): string {
  const number = new Intl.NumberFormat(document.documentElement.lang);
  return (words ?? "").replace("{n}", number.format(count)).replace("{most}", number.format(most));
}

// Names of people and the size of the list are read when somebody chooses, not with every page.
async function ask(bar: HTMLElement): Promise<Choices | undefined> {
  const answer = await fetch(bar.dataset["choices"] ?? "", { credentials: "same-origin" });
  if (!answer.ok) return undefined;
  const found = (await answer.json()) as Choices;
  const select = bar.querySelector<HTMLSelectElement>("#bulk-assignee");
  const known = new Set([...(select?.options ?? [])].map((option) => option.value));
  for (const [id, name] of found.people) if (!known.has(id)) select?.add(new Option(name, id));
  return found;
}

function hidden(ticket: string): HTMLInputElement {
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "ticket";
  field.value = ticket;
  return field;
}

// What another action needs is not shown, and not sent.
function showFields(bar: HTMLElement, action: string): void {
  for (const part of bar.querySelectorAll<HTMLElement>("[data-for]")) {
    const needed = action !== "" && (part.dataset["for"] ?? "").split(" ").includes(action);
    part.hidden = !needed;
    if (part instanceof HTMLFieldSetElement) part.disabled = !needed;
  }
  const note = bar.querySelector<HTMLTextAreaElement>("[data-needed]");
  if (note) note.required = (note.dataset["needed"] ?? "").split(" ").includes(action);
  const until = bar.querySelector<HTMLInputElement>("#bulk-until");
  if (until) until.required = action === "hold";
}

// j and k go through the rows, x chooses the one where the focus is.
function byKeys(update: () => void): void {
  document.addEventListener("keydown", (event) => {
    const target = event.target as Element | null;
    const box = target?.matches("[data-pick]");
    if (!box && target?.closest("input, textarea, select, dialog")) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = target?.closest("[data-ticket]");
    if (event.key === "x" && row) {
      const pick = row.querySelector<HTMLInputElement>("[data-pick]");
      if (pick) pick.click();
      update();
    } else if (event.key === "j" || event.key === "k") {
      const rows = [...document.querySelectorAll("[data-ticket]")];
      const at = row ? rows.indexOf(row) + (event.key === "j" ? 1 : -1) : 0;
      rows[at]?.querySelector<HTMLElement>(".item-title a")?.focus();
    }
  });
}

/** Remembers what is chosen; the returned function chooses it again in rows drawn anew. */
function keep(update: () => void): () => void {
  const chosen = new Set(picks().filter((pick) => pick.checked).map(idOf));
  return () => {
    for (const pick of picks()) pick.checked = chosen.has(idOf(pick));
    update();
  };
}

function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
