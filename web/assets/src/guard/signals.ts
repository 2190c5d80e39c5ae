// What a guard feels and hears: short patterns by which each outcome is known without looking.
type Signal = "recorded" | "wrong" | "warning";

const BUZZ: Record<Signal, number[]> = {
  recorded: [80],
  wrong: [200, 80, 200],
  warning: [400, 150, 400, 150, 400],
};
// Pitches in Hz, one after another.
const TONES: Record<Signal, number[]> = {
  recorded: [880],
  wrong: [330, 220],
  warning: [660, 880, 660, 880],
};
const TONE_S = 0.14;

let context: AudioContext | null = null;

/** Browsers make no sound before a touch: the first one wakes it. */
export function wakeSound(): void {
  if (!("AudioContext" in window)) return;
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
}

export function signal(what: Signal): void {
  // Before the first touch browsers refuse to vibrate, and complain of the attempt.
  if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(BUZZ[what]);
  if (context?.state !== "running") return;
  TONES[what].forEach((pitch, index) => beep(context!, pitch, context!.currentTime + index * TONE_S));
}

function beep(sound: AudioContext, pitch: number, at: number): void {
  const tone = sound.createOscillator();
  const volume = sound.createGain();
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(0.25, at);
  volume.gain.exponentialRampToValueAtTime(0.001, at + TONE_S);
  tone.connect(volume).connect(sound.destination);
  tone.start(at);
  tone.stop(at + TONE_S);
}
