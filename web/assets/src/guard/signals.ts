// What a guard feels and hears: short patterns by which each outcome is known without looking.
type Signal = "recorded" | "wrong" | "warning" | "alarm";

const BUZZ: Record<Signal, number[]> = {
  recorded: [80],
  wrong: [200, 80, 200],
  warning: [400, 150, 400, 150, 400],
  alarm: [700, 150, 700, 150, 700],
};
// Pitches in Hz, one after another.
const TONES: Record<Signal, number[]> = {
  recorded: [880],
  wrong: [330, 220],
  warning: [660, 880, 660, 880],
  alarm: [880, 1175, 880, 1175, 880, 1175, 880, 1175],
};
const TONE_S = 0.14;

let context: AudioContext | null = null;

/** Browsers make no sound before a touch: the first one wakes it. */
export function wakeSound(): void {
  if (!("AudioContext" in window)) return;
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
}

/** Vibrates, in ms on and off. */
export function buzz(pattern: number[]): void {
  // Before the first touch browsers refuse to vibrate, and complain of the attempt.
  if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(pattern);
}

export function signal(what: Signal): void {
  buzz(BUZZ[what]);
  if (context?.state !== "running") return;
  TONES[what].forEach((pitch, index) => beep(context!, pitch, context!.currentTime + index * TONE_S));
}

// Of a call for help that nobody answers, until it is stopped.
const WAIL = [960, 770];
const WAIL_S = 0.45;
let wailing = 0;

/** Sounds as loud as the phone is set, again and again. Called again it goes on. */
export function wail(): void {
  if (wailing) return;
  const once = (): void => {
    // After a restart nobody has touched the screen yet; some browsers let an installed app sound then.
    wakeSound();
    buzz([500, 200]);
    if (context?.state !== "running") return;
    const from = context.currentTime;
    WAIL.forEach((pitch, index) => beep(context!, pitch, from + index * WAIL_S, WAIL_S, 0.9));
  };
  once();
  wailing = window.setInterval(once, WAIL.length * WAIL_S * 1000);
}

export function quiet(): void {
  if (!wailing) return;
  window.clearInterval(wailing);
  wailing = 0;
}

/** Whether it should sound, and the browser lets nothing sound before a touch. */
export function isHeldMute(): boolean {
  return wailing > 0 && context?.state !== "running";
}

function beep(
  sound: AudioContext,
  pitch: number,
  at: number,
  seconds = TONE_S,
  loud = 0.25,
): void {
  const tone = sound.createOscillator();
  const volume = sound.createGain();
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(loud, at);
  volume.gain.exponentialRampToValueAtTime(0.001, at + seconds);
  tone.connect(volume).connect(sound.destination);
  tone.start(at);
  tone.stop(at + seconds);
}
