// A voice note, recorded in the page: the recording becomes the file of a field of the form, so the
// form is sent as it always is. Without a microphone the field stays a choice of a file.
const BITS_A_SECOND = 32_000;
const EVERY_MS = 100;
// AAC first: what is recorded so plays everywhere. Chromium mostly has no encoder for it.
const KINDS = ["audio/mp4;codecs=mp4a.40.2", "audio/webm;codecs=opus", "audio/webm", "audio/mp4"];

export function recordVoices(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-voice]")) {
    const input = place.querySelector<HTMLInputElement>("input[type=file]");
    const form = input?.form;
    if (input && form) new Recorder(place, input, form, kindToRecord());
  }
}

function kindToRecord(): string {
  const able =
    "MediaRecorder" in window && "DataTransfer" in window && !!navigator.mediaDevices?.getUserMedia;
  return (able && KINDS.find((kind) => MediaRecorder.isTypeSupported(kind))) || "";
}

interface Running {
  recorder: MediaRecorder;
  stream: MediaStream;
  ended: Promise<void>;
  timer: number;
  hearing: AudioContext | null;
}

class Recorder {
  private running: Running | null = null;
  private asking = false;
  private address = "";

  constructor(
    private readonly place: HTMLElement,
    private readonly input: HTMLInputElement,
    private readonly form: HTMLFormElement,
    private readonly kind: string,
  ) {
    input.addEventListener("change", () => this.changed());
    if (!kind) return;
    this.offer(true);
    this.on("[data-record]", () => void this.begin());
    this.on("[data-stop]", () => void this.end());
    this.on("[data-delete]", () => this.forget());
    form.addEventListener("submit", (event) => this.leave(event), true);
    // Who comes back finds the field as the browser kept it.
    window.addEventListener("pageshow", () => this.changed());
    window.addEventListener("pagehide", () => this.release());
  }

  private find<T extends HTMLElement>(what: string): T | null {
    return this.place.querySelector<T>(what);
  }

  private on(what: string, act: () => void): void {
    this.find(what)?.addEventListener("click", act);
  }

  private show(what: string, shown: boolean): void {
    const element = this.find(what);
    if (element) element.hidden = !shown;
  }

  private say(what: string): void {
    const line = this.find("[data-says]");
    if (line) line.textContent = what;
  }

  /** The recorder, or the choice of a file in its place. */
  private offer(recorder: boolean): void {
    this.show(".voice-recorder", recorder);
    this.input.hidden = recorder;
    const label = this.find<HTMLLabelElement>("label");
    if (label) label.htmlFor = recorder ? "" : this.input.id;
  }

  private async begin(): Promise<void> {
    if (this.running || this.asking) return;
    this.asking = true;
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      this.offer(false);
      this.say(this.place.dataset["refused"] ?? "");
      return;
    } finally {
      this.asking = false;
    }
    const recorder = new MediaRecorder(stream, {
      mimeType: this.kind,
      audioBitsPerSecond: BITS_A_SECOND,
    });
    const pieces: Blob[] = [];
    recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
    const ended = new Promise<void>((done) => {
      recorder.addEventListener("stop", () => {
        this.keep(pieces);
        done();
      });
    });
    const began = performance.now();
    const timer = window.setInterval(() => this.tick(began), EVERY_MS);
    this.running = { recorder, stream, ended, timer, hearing: this.hear(stream) };
    recorder.start();
    this.show("[data-record]", false);
    this.show("[data-stop]", true);
    this.show("[data-running]", true);
    this.find("[data-stop]")?.focus();
    this.say(this.place.dataset["recording"] ?? "");
  }

  private tick(began: number): void {
    const seconds = (performance.now() - began) / 1000;
    const time = this.find("[data-time]");
    const whole = Math.floor(seconds);
    if (time) time.textContent = `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
    if (seconds >= Number(this.place.dataset["longest"])) {
      void this.end().then(() => this.say(this.place.dataset["full"] ?? ""));
    }
  }

  /** Shows how loud it is; a browser that can't tell still records. */
  private hear(stream: MediaStream): AudioContext | null {
    const level = this.find<HTMLMeterElement>("[data-level]");
    if (!level || !("AudioContext" in window)) return null;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const look = (): void => {
      if (context.state === "closed") return;
      analyser.getFloatTimeDomainData(samples);
      level.value = Math.min(1, Math.max(...samples.map(Math.abs)) * 2);
      window.requestAnimationFrame(look);
    };
    look();
    return context;
  }

  private async end(): Promise<void> {
    const running = this.running;
    if (!running) return;
    if (running.recorder.state !== "inactive") running.recorder.stop();
    await running.ended;
  }

  private release(): void {
    const running = this.running;
    this.running = null;
    if (!running) return;
    window.clearInterval(running.timer);
    for (const track of running.stream.getTracks()) track.stop();
    void running.hearing?.close();
  }

  /** What was recorded becomes the file of the field. */
  private keep(pieces: Blob[]): void {
    const stopped = document.activeElement === this.find("[data-stop]");
    this.release();
    const mp4 = this.kind.startsWith("audio/mp4");
    const type = mp4 ? "audio/mp4" : "audio/webm";
    const file = new File(pieces, mp4 ? "voice.m4a" : "voice.webm", { type });
    const carrier = new DataTransfer();
    carrier.items.add(file);
    this.input.files = carrier.files;
    this.changed();
    if (stopped) this.find("[data-listen]")?.focus();
  }

  private forget(): void {
    this.input.value = "";
    this.changed();
    this.say(this.place.dataset["gone"] ?? "");
    this.find("[data-record]")?.focus();
  }

  /** The field has another file, or none: shows what can be done with it. */
  private changed(): void {
    const file = this.input.files?.[0];
    const tooLarge = !!file && file.size > Number(this.place.dataset["largest"]);
    this.input.setCustomValidity(tooLarge ? (this.place.dataset["tooLarge"] ?? "") : "");
    this.free(!!file);
    if (!this.kind || this.running) return;
    this.show("[data-record]", !file);
    this.show("[data-stop]", false);
    this.show("[data-running]", false);
    this.show("[data-delete]", !!file);
    const audio = this.find<HTMLAudioElement>("[data-listen]");
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = file ? URL.createObjectURL(file) : "";
    if (audio) {
      audio.pause();
      if (file) audio.src = this.address;
      else audio.removeAttribute("src");
      audio.hidden = !file;
    }
    this.say(file ? (this.place.dataset["ready"] ?? "") : "");
  }

  /** What has to be written may be left out once it was said. */
  private free(said: boolean): void {
    const field = document.getElementById(this.place.dataset["frees"] ?? "");
    if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) {
      field.required = !said;
    }
  }

  /** A form that is sent while it records takes along what was said up to then. */
  private leave(event: SubmitEvent): void {
    if (!this.running) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = event.submitter ?? this.form.querySelector<HTMLElement>("button:not([type])");
    void this.end().then(() => button?.click());
  }
}
