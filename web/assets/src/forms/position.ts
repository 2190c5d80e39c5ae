// A position that the browser knows, put into the fields of a form. Nothing is sent before the form is.
const WAIT_MS = 20_000;
// Six decimals of a degree are a hand's breadth, and more than any phone knows.
const DECIMALS = 6;

export function takePositions(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-position]")) {
    const button = place.querySelector<HTMLButtonElement>("[data-position-take]");
    // Without a secure connection browsers tell no position.
    if (!button || !("geolocation" in navigator) || !window.isSecureContext) continue;
    button.hidden = false;
    button.addEventListener("click", () => take(place, button));
  }
}

function take(place: HTMLElement, button: HTMLButtonElement): void {
  const { asking, taken, refused, unknown } = place.dataset;
  button.disabled = true;
  say(place, asking);
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      button.disabled = false;
      fill(place, "latitude", coords.latitude.toFixed(DECIMALS));
      fill(place, "longitude", coords.longitude.toFixed(DECIMALS));
      say(place, taken?.replace("{metres}", String(Math.ceil(coords.accuracy))));
    },
    (error) => {
      button.disabled = false;
      say(place, error.code === error.PERMISSION_DENIED ? refused : unknown);
    },
    { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 0 },
  );
}

function fill(place: HTMLElement, name: string, value: string): void {
  const field = place.querySelector<HTMLInputElement>(`input[name=${name}]`);
  if (field) field.value = value;
}

function say(place: HTMLElement, text = ""): void {
  const line = place.querySelector("[data-position-says]");
  if (line) line.textContent = text;
}
