// Mandarin aloud, for whoever wants to hear the next step. What no voice can say stays written.
import { read } from "./store";

let wanted = false;

export async function prepareSpeech(): Promise<void> {
  wanted = (await read("settings", "speech")) === true;
}

export function canSpeak(): boolean {
  return "speechSynthesis" in window;
}

export function say(text: string): void {
  if (!wanted || !text || !canSpeak()) return;
  const voice = speechSynthesis.getVoices().find((one) => /^zh[-_](CN|Hans)/i.test(one.lang));
  const words = new SpeechSynthesisUtterance(text);
  words.lang = "zh-CN";
  if (voice) words.voice = voice;
  speechSynthesis.cancel();
  speechSynthesis.speak(words);
}
