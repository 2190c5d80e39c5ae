// The sounds, made of plain tones. They follow what ISO 7731 asks of danger signals: between 500
// and 1500 Hz, pulsed, and the gravest of two tones in turn, so that it stands out from machines.

export type Level = "low" | "medium" | "high" | "critical" | "lost";

interface Pulse {
  hertz: number;
  /** Seconds from the beginning of the pattern, and how long it lasts. */
  at: number;
  lasts: number;
}
interface Pattern {
  pulses: Pulse[];
  /** Seconds from one beginning to the next. */
  every: number;
  loudness: number;
}

const train = (hertz: number[], lasts: number, step: number): Pulse[] =>
  hertz.map((each, index) => ({ hertz: each, at: index * step, lasts }));

export const PATTERNS: Record<Level, Pattern> = {
  // Two tones in turn, without a pause.
  critical: { pulses: train([660, 990, 660, 990, 660, 990, 660, 990], 0.24, 0.25), every: 2, loudness: 0.5 },
  high: { pulses: train([880, 880, 880], 0.16, 0.3), every: 3, loudness: 0.4 },
  medium: { pulses: train([740, 590], 0.3, 0.4), every: 8, loudness: 0.3 },
  low: { pulses: train([520], 0.4, 0.4), every: 20, loudness: 0.2 },
  // Nobody knows what goes on: two falling tones, unlike any alarm.
  lost: { pulses: train([440, 330], 0.5, 0.6), every: 15, loudness: 0.3 },
};
/** What the test plays, from the least to the worst. */
const TEST: Level[] = ["low", "medium", "high", "critical"];
const PAUSE = 0.7;
const RAMP = 0.015;

/** Plays one level at a time, over and over. */
export class Player {
  private out: GainNode | undefined;
  private timer = 0;
  private level: Level | null = null;

  constructor(private readonly context: AudioContext) {}

  /** Sound a level until told otherwise; null is silence. */
  play(level: Level | null): void {
    if (level === this.level) return;
    this.silence();
    this.level = level;
    if (level) this.repeat(level);
  }

  /** Every level once; resolves when it is over. */
  test(): Promise<void> {
    this.silence();
    const out = this.open();
    let at = 0.05;
    for (const level of TEST) at = this.once(out, level, at) + PAUSE;
    return new Promise((done) => setTimeout(done, at * 1000));
  }

  private silence(): void {
    clearTimeout(this.timer);
    // Whatever was scheduled plays on into nothing.
    this.out?.disconnect();
    this.out = undefined;
    this.level = null;
  }

  private open(): GainNode {
    this.out = this.context.createGain();
    this.out.connect(this.context.destination);
    return this.out;
  }

  private repeat(level: Level): void {
    this.once(this.out ?? this.open(), level, 0.02);
    this.timer = window.setTimeout(() => this.repeat(level), PATTERNS[level].every * 1000);
  }

  private once(out: GainNode, level: Level, after: number): number {
    const pattern = PATTERNS[level];
    const begin = this.context.currentTime + after;
    let end = after;
    for (const pulse of pattern.pulses) {
      this.sound(out, pulse, begin + pulse.at, pattern.loudness);
      end = Math.max(end, after + pulse.at + pulse.lasts);
    }
    return end;
  }

  private sound(out: GainNode, pulse: Pulse, at: number, loudness: number): void {
    const tone = this.context.createOscillator();
    const shape = this.context.createGain();
    // A triangle has overtones, which small loudspeakers give even where they lose the tone.
    tone.type = "triangle";
    tone.frequency.value = pulse.hertz;
    shape.gain.setValueAtTime(0, at);
    shape.gain.linearRampToValueAtTime(loudness, at + RAMP);
    shape.gain.setValueAtTime(loudness, at + pulse.lasts - RAMP);
    shape.gain.linearRampToValueAtTime(0, at + pulse.lasts);
    tone.connect(shape).connect(out);
    tone.start(at);
    tone.stop(at + pulse.lasts);
  }
}
