// A field to sign in with a finger, a pen or a mouse; what is drawn is sent as a PNG.
type Point = readonly [x: number, y: number];

const INK = "#10233f";
const WIDTH = 2.5;

export function takeSignatures(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-signature]")) {
    const canvas = form.querySelector("canvas");
    if (canvas) new Field(form, canvas);
  }
}

class Field {
  // In parts of the width of the field, so that a phone that is turned keeps what was drawn.
  private strokes: Point[][] = [];
  private drawing: number | null = null;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly canvas: HTMLCanvasElement,
  ) {
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, () => (this.drawing = null));
    }
    form.querySelector("[data-clear]")?.addEventListener("click", () => this.clear());
    form.addEventListener("submit", () => this.keep());
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.draw();
  }

  private begin(event: PointerEvent): void {
    if (this.drawing !== null || event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.drawing = event.pointerId;
    this.strokes.push([this.at(event)]);
    this.draw();
  }

  private go(event: PointerEvent): void {
    if (event.pointerId !== this.drawing) return;
    this.strokes[this.strokes.length - 1]?.push(this.at(event));
    this.draw();
  }

  private at(event: PointerEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.width];
  }

  private clear(): void {
    this.strokes = [];
    this.draw();
  }

  private draw(): void {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const width = this.canvas.clientWidth;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    const pen = this.canvas.getContext("2d");
    if (!pen) return;
    // White also on a dark page: it is kept as a picture.
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    pen.scale(width * ratio, width * ratio);
    pen.lineWidth = WIDTH / width;
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = INK;
    for (const stroke of this.strokes) line(pen, stroke);
    const button = this.form.querySelector<HTMLButtonElement>("[data-sign]");
    // A single tap is no signature.
    if (button) button.disabled = !this.strokes.some((stroke) => stroke.length > 2);
  }

  private keep(): void {
    const field = this.form.elements.namedItem("signature");
    if (field instanceof HTMLInputElement) field.value = this.canvas.toDataURL("image/png");
  }
}

function line(pen: CanvasRenderingContext2D, stroke: Point[]): void {
  pen.beginPath();
  stroke.forEach(([x, y], place) => (place ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}
