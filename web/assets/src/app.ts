// What every page loads: htmx, the live stream, and the clocks that tick between messages.
import "htmx.org";
import { followLive } from "./live/stream";
import { keepClocks } from "./live/clocks";

followLive();
keepClocks();

// A choice of site is a form; with scripts it needs no button.
for (const select of document.querySelectorAll<HTMLSelectElement>("select[data-submit]")) {
  select.addEventListener("change", () => select.form?.requestSubmit());
}

// A failed refresh must not replace what is shown: the page turns grey instead.
document.addEventListener("htmx:before:swap", (event) => {
  const detail = (event as CustomEvent).detail as { ctx?: SwapContext };
  const target = detail.ctx?.target;
  const status = detail.ctx?.response?.status ?? 200;
  if (status >= 400 && target instanceof Element && target.hasAttribute("data-panel")) {
    event.preventDefault();
  }
});

interface SwapContext {
  target?: unknown;
  response?: { status?: number };
}
