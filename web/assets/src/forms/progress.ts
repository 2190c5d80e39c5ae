// A form that may take a while says how far it is; a file that is too large is told before it is sent.
const AFTER = 1000;
const EVERY = 500;

interface Told {
  text: string;
  share: number | null;
}

export function showProgress(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-progress]")) {
    form.addEventListener("submit", () => begin(form));
  }
  for (const input of document.querySelectorAll<HTMLInputElement>("input[data-largest]")) {
    input.addEventListener("change", () => judge(input));
  }
  // Coming back by the browser's button shows the page as it was left: nothing is under way then.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

function judge(input: HTMLInputElement): void {
  const size = input.files?.[0]?.size ?? 0;
  const tooLarge = size > Number(input.dataset.largest);
  input.setCustomValidity(tooLarge ? (input.dataset.tooLarge ?? "") : "");
  if (tooLarge) input.reportValidity();
}

function begin(form: HTMLFormElement): void {
  const place = form.querySelector<HTMLElement>("[data-under-way]");
  if (!place) return;
  const began = Date.now();
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  window.setTimeout(() => {
    place.hidden = false;
    window.setInterval(() => void update(form, place, began), EVERY);
  }, AFTER);
}

async function update(form: HTMLFormElement, place: HTMLElement, began: number): Promise<void> {
  const elapsed = place.querySelector("[data-elapsed]");
  if (elapsed) elapsed.textContent = String(Math.round((Date.now() - began) / 1000));
  const watch = form.dataset.progress;
  if (!watch) return;
  const told = await ask(`${place.dataset.address}?watch=${encodeURIComponent(watch)}`);
  const stage = place.querySelector("[data-stage]");
  const bar = place.querySelector("progress");
  if (!told?.text || !stage || !bar) return;
  stage.textContent = told.text;
  if (told.share === null) bar.removeAttribute("value");
  else bar.value = told.share;
}

async function ask(address: string): Promise<Told | null> {
  try {
    const answer = await fetch(address);
    return answer.ok ? ((await answer.json()) as Told) : null;
  } catch {
    // The page is about to be left, or the server is busy: the bar stays as it was.
    return null;
  }
}
