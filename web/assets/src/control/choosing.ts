// Choosing a place without leaving the page, which would end its sound; alarms by the keyboard.

const GOOD_NEWS_MS = 8_000;

/** Links and the choice of a place change what the page shows. */
export function chooseSpaces(): void {
  const chosen = document.getElementById("chosen-space") as HTMLInputElement | null;
  if (!chosen) return;
  const look = (space: string, address: string): void => {
    chosen.value = space;
    history.replaceState(null, "", address);
    for (const panel of ["tree", "plan"]) {
      document.getElementById(`panel-${panel}`)?.removeAttribute("data-arranging");
    }
    // One request each; the plan would follow the tree by itself.
    document.body.dispatchEvent(new CustomEvent("wk:tree"));
  };
  document.addEventListener("click", (event) => {
    const link = (event.target as Element | null)?.closest<HTMLAnchorElement>("a[data-space]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    look(link.dataset["space"] ?? "", link.href);
  });
  document.addEventListener("change", (event) => {
    const select = event.target as HTMLSelectElement;
    if (select.id !== "place-choice" || !select.form) return;
    const query = new URLSearchParams(new FormData(select.form) as unknown as Record<string, string>);
    look(select.value, `/control-room?${query}`);
  });
}

/** j and k go through the alarms, a accepts the one that was chosen. */
export function chooseByKeys(): void {
  let chosen = "";
  const calls = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>("[data-call]")];
  const go = (step: number): void => {
    const all = calls();
    const at = all.findIndex((call) => call.id === chosen);
    const to = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step;
    const next = all[Math.min(Math.max(to, 0), all.length - 1)];
    if (!next) return;
    chosen = next.id;
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("focusin", (event) => {
    const call = (event.target as Element | null)?.closest("[data-call]");
    if (call) chosen = call.id;
  });
  document.addEventListener("keydown", (event) => {
    const target = event.target as Element | null;
    const busy = target?.closest("input, textarea, select, dialog, .arranging-only, .marker");
    if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "a" && !event.repeat) {
      const call = chosen ? document.getElementById(chosen) : null;
      const button = call?.querySelector<HTMLButtonElement>("[data-accept]");
      // It moves down the list, and the next j begins at the worst again: a second press of this
      // key accepts nothing that nobody has looked at.
      if (button) {
        chosen = "";
        (document.activeElement as HTMLElement | null)?.blur();
        button.click();
      }
    }
  });
  // A refresh that takes the focus away gives it back.
  const panel = document.getElementById("panel-alarms");
  if (!panel) return;
  new MutationObserver(() => {
    if (document.activeElement !== document.body || !chosen) return;
    document.getElementById(chosen)?.focus({ preventScroll: true });
  }).observe(panel, { childList: true, subtree: true });
}

/** What went well is told for a while; what did not stays until something else is told. */
export function forgetGoodNotices(): void {
  const notice = document.getElementById("notice");
  if (!notice) return;
  let timer = 0;
  new MutationObserver(() => {
    clearTimeout(timer);
    if (!notice.querySelector(".banner-good")) return;
    timer = window.setTimeout(() => notice.replaceChildren(), GOOD_NEWS_MS);
  }).observe(notice, { childList: true });
}
