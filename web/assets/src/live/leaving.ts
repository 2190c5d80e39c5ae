// A form that leads to another page is under way: what the panels would fetch meanwhile nobody sees,
// and whoever signs out may not have it any more.
export const LEAVING_MS = 5_000;
let left = -LEAVING_MS;

/** Whether a form was sent a moment ago that leads away from the page. */
export function isLeaving(): boolean {
  return performance.now() - left < LEAVING_MS;
}

/** Notices when the page is left. stayed: called when it was not, as after a download. */
export function noticeLeaving(stayed: () => void): void {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    left = performance.now();
    for (const panel of document.querySelectorAll("[data-panel]")) {
      panel.dispatchEvent(new CustomEvent("htmx:abort"));
    }
    setTimeout(() => {
      if (!isLeaving()) stayed();
    }, LEAVING_MS + 50);
  });
  window.addEventListener("pageshow", () => (left = -LEAVING_MS));
}
