// A wall must not fall asleep; where a browser can't promise that, the page says so.

/** Keeps the screen awake while the page is seen. */
export function keepAwake(): void {
  const note = document.getElementById("awake");
  if (!note) return;
  const say = (state: "unsupported" | "refused" | "kept"): void => {
    note.dataset["awake"] = state;
    note.textContent = note.dataset[state] ?? "";
  };
  if (!("wakeLock" in navigator)) {
    say("unsupported");
    return;
  }
  const ask = async (): Promise<void> => {
    if (document.visibilityState !== "visible") return;
    try {
      const lock = await navigator.wakeLock.request("screen");
      say("kept");
      // The system may take it back, for an empty battery; it is asked again at the next chance.
      lock.addEventListener("release", () => {
        if (document.visibilityState === "visible") say("refused");
      });
    } catch {
      say("refused");
    }
  };
  document.addEventListener("visibilitychange", () => void ask());
  setInterval(() => {
    if (note.dataset["awake"] !== "kept") void ask();
  }, 60_000);
  void ask();
}
