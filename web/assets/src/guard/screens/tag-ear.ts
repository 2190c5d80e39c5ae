// Listening to tags on a screen. Browsers ask the first time, and only after a touch.
import { canReadTags, mayReadTags, readTags } from "../scanner";
import { signal } from "../signals";
import { _ } from "../words";

/** A screen's ear for tags. changed: draws the screen anew. */
export class TagEar {
  private reading: AbortController | null = null;
  /** What went wrong last, in words. */
  trouble = "";

  constructor(
    private readonly take: (serial: string, addresses: string[]) => void,
    private readonly changed: () => void,
  ) {}

  get listening(): boolean {
    return this.reading !== null;
  }

  /** Begins where the browser allowed it before. */
  async beginIfAllowed(): Promise<void> {
    if (await mayReadTags()) await this.begin();
  }

  async begin(): Promise<void> {
    if (!canReadTags() || this.reading) return;
    const reading = (this.reading = new AbortController());
    const take = (serial: string, addresses: string[]): void => {
      this.trouble = "";
      this.take(serial, addresses);
    };
    const fail = (): void => {
      signal("wrong");
      this.trouble = _("The tag could not be read: hold it still.");
      this.changed();
    };
    try {
      await readTags(take, fail, reading.signal);
    } catch {
      this.reading = null;
      this.trouble = _("NFC is off or not allowed: use the camera.");
    }
    this.changed();
  }

  end(): void {
    this.reading?.abort();
    this.reading = null;
  }
}
