// What is taken along as a file: photos made small, voice notes; hashed the moment they are taken.
const LONGEST_SIDE = 1600;
const QUALITY = 0.8;
const BITS_A_SECOND = 24_000;
// AAC first: what is recorded so plays everywhere. Chromium mostly has no encoder for it.
const VOICES = ["audio/mp4;codecs=mp4a.40.2", "audio/webm;codecs=opus", "audio/webm", "audio/mp4"];
export const LONGEST_VOICE_MS = 120_000;

export interface Taken {
  type: string;
  bytes: ArrayBuffer;
  sha256: string;
  width?: number;
  height?: number;
  duration_ms?: number;
}

export function hex(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function taken(blob: Blob, type: string, more: Partial<Taken> = {}): Promise<Taken> {
  const bytes = await blob.arrayBuffer();
  return { type, bytes, sha256: hex(await crypto.subtle.digest("SHA-256", bytes)), ...more };
}

/** A picture, no longer than it needs to be. What the browser can't read is kept as it came. */
export async function photo(file: Blob): Promise<Taken> {
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return taken(file, file.type || "application/octet-stream");
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const small = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  return taken(small ?? file, small ? "image/jpeg" : file.type, {
    width: canvas.width,
    height: canvas.height,
  });
}

export function canRecord(): boolean {
  return kindOfVoice() !== "";
}

function kindOfVoice(): string {
  const able = "MediaRecorder" in window && !!navigator.mediaDevices?.getUserMedia;
  return (able && VOICES.find((kind) => MediaRecorder.isTypeSupported(kind))) || "";
}

/** A voice note under way. `end` gives what was said; it also ends by itself after two minutes. */
export class Voice {
  private readonly began = performance.now();
  private readonly timer: number;
  readonly ended: Promise<Taken>;

  private constructor(
    private readonly recorder: MediaRecorder,
    stream: MediaStream,
  ) {
    const pieces: Blob[] = [];
    recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
    this.ended = new Promise((done, fail) => {
      recorder.addEventListener("stop", () => {
        for (const track of stream.getTracks()) track.stop();
        window.clearTimeout(this.timer);
        const type = recorder.mimeType.split(";")[0] || "audio/webm";
        const duration_ms = Math.round(performance.now() - this.began);
        taken(new Blob(pieces, { type }), type, { duration_ms }).then(done, fail);
      });
    });
    this.timer = window.setTimeout(() => this.end(), LONGEST_VOICE_MS);
    recorder.start();
  }

  /** Throws NotAllowedError where the microphone is refused. */
  static async begin(): Promise<Voice> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const kind = { mimeType: kindOfVoice(), audioBitsPerSecond: BITS_A_SECOND };
    return new Voice(new MediaRecorder(stream, kind), stream);
  }

  end(): void {
    if (this.recorder.state !== "inactive") this.recorder.stop();
  }
}
