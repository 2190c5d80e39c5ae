// "Tell me on this device": the browser is asked only after a tap, and its answer sent as a form.
const form = document.querySelector<HTMLFormElement>("form[data-push]");
const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

function say(what: string): void {
  for (const line of document.querySelectorAll<HTMLElement>("[data-push-says]")) {
    line.hidden = line.dataset.pushSays !== what;
  }
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

async function subscribe(to: HTMLFormElement): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") {
    say("refused");
    return;
  }
  const registration = await navigator.serviceWorker.register("/service-worker.js");
  await navigator.serviceWorker.ready;
  // One that was made with another key of ours can't be used any more.
  await (await registration.pushManager.getSubscription())?.unsubscribe();
  const made = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytes(to.dataset.push ?? ""),
  });
  const { endpoint, keys } = made.toJSON();
  const given: Record<string, string | undefined> = { endpoint, ...keys };
  for (const name of ["endpoint", "p256dh", "auth"]) {
    const field = to.elements.namedItem(name);
    if (field instanceof HTMLInputElement) field.value = given[name] ?? "";
  }
  to.submit();
}

if (form) {
  say(able ? "" : "unable");
  form.hidden = !able;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say("");
    // Where the browser's push service can't be reached, nothing can be pushed to it.
    subscribe(form).catch(() => say("unreached"));
  });
}

export {};
