// The two eyes of the app: tags by Web NFC, squares by the camera.
import decodeQR from "qr/decode.js";

// Ten looks a second are quicker than a hand, and leave an old phone cool.
const LOOK_EVERY_MS = 100;
const LOW_POWER_EVERY_MS = 250;
// No camera needs more to read a code at an arm's length.
const WIDEST = 720;

interface TagRecord {
  recordType: string;
  data?: DataView;
}

interface TagEvent extends Event {
  serialNumber: string;
  message: { records: TagRecord[] };
}

interface TagReader extends EventTarget {
  scan(options: { signal: AbortSignal }): Promise<void>;
}

type TagReaderKind = new () => TagReader;

function tagReader(): TagReaderKind | undefined {
  return (window as unknown as { NDEFReader?: TagReaderKind }).NDEFReader;
}

export function canReadTags(): boolean {
  return !!tagReader();
}

/** Whether the browser was asked before, and allows it. */
export async function mayReadTags(): Promise<boolean> {
  try {
    const asked = await navigator.permissions.query({ name: "nfc" as PermissionName });
    return asked.state === "granted";
  } catch {
    return false;
  }
}

/** Reads tags until the signal aborts. Throws NotAllowedError, NotSupportedError, NotReadableError. */
export async function readTags(
  take: (serial: string, addresses: string[]) => void,
  unread: () => void,
  signal: AbortSignal,
): Promise<void> {
  const Reader = tagReader();
  if (!Reader) throw new DOMException("no Web NFC", "NotSupportedError");
  const reader = new Reader();
  const text = new TextDecoder();
  reader.addEventListener("reading", (event) => {
    const { serialNumber, message } = event as TagEvent;
    const urls = message.records.filter((one) => /^(url|absolute-url)$/.test(one.recordType));
    take(serialNumber, urls.map((one) => (one.data ? text.decode(one.data) : "")));
  });
  // A tag without a message of its own raises this: it is there, and can't be read.
  reader.addEventListener("readingerror", unread);
  await reader.scan({ signal });
}

interface Detector {
  detect(source: CanvasImageSource): Promise<{ rawValue: string }[]>;
}

interface DetectorKind {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

/** The browser's own detector where it knows QR codes, else our library. */
async function detector(): Promise<Detector | null> {
  const Kind = (window as unknown as { BarcodeDetector?: DetectorKind }).BarcodeDetector;
  try {
    if (!Kind || !(await Kind.getSupportedFormats()).includes("qr_code")) return null;
    return new Kind({ formats: ["qr_code"] });
  } catch {
    return null;
  }
}

export function canSee(): boolean {
  return !!navigator.mediaDevices?.getUserMedia;
}

/** A camera that looks for codes. */
export class Camera {
  private timer = 0;
  private closed = false;
  private readonly canvas = document.createElement("canvas");

  private constructor(
    private readonly video: HTMLVideoElement,
    private readonly stream: MediaStream,
    private readonly own: Detector | null,
    private readonly every: number,
  ) {}

  /** Opens the rear camera in a <video>. Throws as getUserMedia does. */
  static async open(video: HTMLVideoElement, lowPower = false): Promise<Camera> {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    video.srcObject = stream;
    video.muted = true;
    video.setAttribute("playsinline", "");
    await video.play();
    const every = lowPower ? LOW_POWER_EVERY_MS : LOOK_EVERY_MS;
    return new Camera(video, stream, await detector(), every);
  }

  /** Tells each code that comes into view. */
  look(take: (text: string) => void): void {
    const again = async (): Promise<void> => {
      if (this.closed) return;
      const text = await this.see();
      if (this.closed) return;
      if (text) take(text);
      this.timer = window.setTimeout(() => void again(), this.every);
    };
    void again();
  }

  private async see(): Promise<string> {
    if (this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return "";
    try {
      if (this.own) return (await this.own.detect(this.video))[0]?.rawValue ?? "";
      return this.decode();
    } catch {
      // No code in view is told as an error.
      return "";
    }
  }

  private decode(): string {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, WIDEST / videoWidth);
    this.canvas.width = Math.round(videoWidth * scale);
    this.canvas.height = Math.round(videoHeight * scale);
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!context) return "";
    context.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    return decodeQR(context.getImageData(0, 0, this.canvas.width, this.canvas.height));
  }

  hasTorch(): boolean {
    const track = this.stream.getVideoTracks()[0];
    const able = track?.getCapabilities?.() as { torch?: boolean } | undefined;
    return able?.torch === true;
  }

  async torch(on: boolean): Promise<void> {
    const wish = { advanced: [{ torch: on } as MediaTrackConstraintSet] };
    await this.stream.getVideoTracks()[0]?.applyConstraints(wish);
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
    for (const track of this.stream.getTracks()) track.stop();
    this.video.srcObject = null;
  }
}
