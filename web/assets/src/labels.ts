// Labels of devices, read by the camera into the list of those that are to come.
import { Camera, canSee } from "./guard/scanner";

const PAUSE_MS = 1_500;

for (const area of document.querySelectorAll<HTMLElement>("[data-scan-labels]")) {
  const lines = document.getElementById("lines") as HTMLTextAreaElement | null;
  const video = area.querySelector("video");
  const status = area.querySelector<HTMLElement>("[role=status]");
  const button = area.querySelector("button");
  if (!lines || !video || !status || !button || !canSee()) continue;
  area.hidden = false;
  button.addEventListener("click", () => void scan(lines, video, status, button));
}

async function scan(
  lines: HTMLTextAreaElement,
  video: HTMLVideoElement,
  status: HTMLElement,
  button: HTMLButtonElement,
): Promise<void> {
  button.disabled = true;
  video.hidden = false;
  let last = "";
  let until = 0;
  try {
    const camera = await Camera.open(video);
    camera.look((text) => {
      // The same label stays in view for a while.
      if (text === last && performance.now() < until) return;
      last = text;
      until = performance.now() + PAUSE_MS;
      const known = lines.value.split("\n").some((line) => line.startsWith(text));
      if (!known) lines.value = `${lines.value.trimEnd()}\n${text}`.trimStart();
      status.textContent = (status.dataset["seen"] ?? "").replace("{code}", text);
    });
  } catch {
    video.hidden = true;
    button.disabled = false;
    status.textContent = status.dataset["none"] ?? "";
  }
}
