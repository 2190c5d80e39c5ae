// The list follows the live stream: rows change in place, new tickets are announced above them.

interface Changes {
  now: string;
  rows: Record<string, string>;
  entered: string[];
}

// However much happens, a list asks no more often.
const EVERY_MS = 4_000;
// More changes than this are not told apart; the server says what is new since the last look.
const TOLD_APART = 60;
const MOST_SHOWN = 99;

/** Keeps the list as things are. keep: see `chooseTickets`. */
export function followList(keep: () => () => void): void {
  const list = document.getElementById("ticket-list");
  const news = document.getElementById("list-news");
  if (!list || !news) return;
  const rows = new Set<string>();
  const others = new Set<string>();
  const entered = new Set<string>();
  // As the page was made; from then on, as of the last answer.
  let since = document.body.dataset["now"] ?? "";
  let missed = false;
  let asking = false;
  let askedAt = -EVERY_MS;
  let timer = 0;

  const plan = (): void => {
    if (timer || asking || document.hidden) return;
    timer = window.setTimeout(look, Math.max(0, askedAt + EVERY_MS - performance.now()));
  };
  const look = (): void => {
    timer = 0;
    if (document.hidden || !(rows.size || others.size || missed)) return;
    asking = true;
    askedAt = performance.now();
    const query = new URLSearchParams({ rows: [...rows].join(","), others: [...others].join(",") });
    if (missed) query.set("since", since);
    rows.clear();
    others.clear();
    missed = false;
    void fetch(`${list.dataset["changes"]}&${query}`, { credentials: "same-origin" })
      .then(async (answer) => {
        if (!answer.ok) throw new Error(String(answer.status));
        take((await answer.json()) as Changes);
      })
      .catch(() => {
        // The next change asks for all of it; meanwhile the page says how old it is.
        missed = true;
        for (const id of shownRows(list)) rows.add(id);
      })
      .finally(() => {
        asking = false;
        if (!missed) plan();
      });
  };
  const take = (changes: Changes): void => {
    since = changes.now;
    for (const [id, text] of Object.entries(changes.rows)) replaceRow(list, id, text);
    const shown = shownRows(list);
    for (const id of changes.entered) if (!shown.has(id)) entered.add(id);
    announce(news, entered.size);
    keep()();
  };

  document.addEventListener("wk:changed", (event) => {
    const { tickets } = (event as CustomEvent<{ tickets: string[] }>).detail;
    const shown = shownRows(list);
    for (const id of tickets) {
      if (id === "*") {
        missed = true;
        for (const row of shown) rows.add(row);
      } else if (shown.has(id)) rows.add(id);
      else others.add(id);
    }
    if (others.size > TOLD_APART) {
      others.clear();
      missed = true;
    }
    if (rows.size || others.size || missed) plan();
  });
  document.addEventListener("visibilitychange", plan);
  news.addEventListener("click", (event) => {
    const link = (event.target as Element).closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const again = keep();
    void redraw(list, link.href).then((drawn) => {
      if (!drawn) return location.assign(link.href);
      entered.clear();
      announce(news, 0);
      again();
      list.querySelector<HTMLElement>(".item-title a")?.focus();
    });
  });
}

function shownRows(list: HTMLElement): Set<string> {
  const rows = list.querySelectorAll<HTMLElement>("[data-ticket]");
  return new Set([...rows].map((row) => row.dataset["ticket"] ?? ""));
}

function replaceRow(list: HTMLElement, id: string, text: string): void {
  const old = list.querySelector<HTMLElement>(`[data-ticket="${id}"]`);
  const template = document.createElement("template");
  template.innerHTML = text;
  const fresh = template.content.firstElementChild as HTMLElement | null;
  if (!old || !fresh) return;
  const focus = old.contains(document.activeElement) ? placeOf(document.activeElement) : "";
  const picked = old.querySelector<HTMLInputElement>("[data-pick]")?.checked ?? false;
  const looks = plainText(old) !== plainText(fresh);
  const pick = fresh.querySelector<HTMLInputElement>("[data-pick]");
  if (pick) pick.checked = picked;
  if (looks) fresh.classList.add("item-changed");
  old.replaceWith(fresh);
  if (focus) fresh.querySelector<HTMLElement>(focus)?.focus({ preventScroll: true });
}

function placeOf(element: Element | null): string {
  return element?.matches("[data-pick]") ? "[data-pick]" : ".item-title a";
}

// What a row says besides the times, which tick by themselves.
function plainText(row: HTMLElement): string {
  const copy = row.cloneNode(true) as HTMLElement;
  for (const time of copy.querySelectorAll("time")) time.remove();
  return (copy.textContent ?? "").replace(/\s+/g, " ");
}

function announce(news: HTMLElement, count: number): void {
  const link = news.querySelector("a");
  if (!link) return;
  const words = count === 1 ? "one" : count > MOST_SHOWN ? "most" : "many";
  const text = (news.dataset[words] ?? "").replace("{n}", String(count));
  link.hidden = count === 0;
  if (link.textContent !== text) link.textContent = count ? text : "";
}

async function redraw(list: HTMLElement, address: string): Promise<boolean> {
  const answer = await fetch(address, { credentials: "same-origin" }).catch(() => undefined);
  if (!answer?.ok) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("ticket-list");
  if (!fresh) return false;
  list.replaceChildren(...fresh.childNodes);
  return true;
}
