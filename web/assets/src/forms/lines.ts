// Line numbers beside a text that is checked by line and column, and a way from a problem to it.
export function numberLines(): void {
  for (const text of document.querySelectorAll<HTMLTextAreaElement>("textarea[data-lines]")) {
    const gutter = document.createElement("pre");
    gutter.className = "gutter";
    gutter.setAttribute("aria-hidden", "true");
    text.before(gutter);
    const number = (): void => {
      const lines = text.value.split("\n").length;
      gutter.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
      gutter.scrollTop = text.scrollTop;
    };
    text.addEventListener("input", number);
    text.addEventListener("scroll", () => (gutter.scrollTop = text.scrollTop));
    number();
    document.addEventListener("click", (event) => goTo(event, text));
  }
}

function goTo(event: Event, text: HTMLTextAreaElement): void {
  const at = (event.target as Element | null)?.closest<HTMLElement>("[data-line]");
  if (!at) return;
  const lines = text.value.split("\n");
  const line = Number(at.dataset.line) - 1;
  const before = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
  const place = before + Number(at.dataset.column) - 1;
  text.focus();
  text.setSelectionRange(place, place);
}
