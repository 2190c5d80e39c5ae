// Charts of readings: one a point, so that each has its own unit, with marks and limits.
import uPlot from "uplot";

interface Series {
  name: string;
  unit: string | null;
  states: string[];
  events?: boolean; // how often it happened, instead of a value
  limits: number[];
  at: number[];
  value: number[];
}
interface Mark {
  at: number;
  kind: string;
  label: string;
}
interface Band {
  from: number;
  to: number;
  other?: boolean;
}
interface Drawing {
  series: Series[];
  marks: Mark[];
  bands?: Band[];
  // What the drawing is of, in seconds; by default as long as its values reach.
  window?: [number, number];
}

const REFRESH_MS = 10_000;
const HEIGHT = 170;
const LOW_HEIGHT = 90;
const language = document.documentElement.lang === "zh-Hans" ? "zh-CN" : "en-GB";
const zone = document.body.dataset["zone"] || "UTC";

for (const place of document.querySelectorAll<HTMLElement>("[data-chart]")) void keep(place);

async function keep(place: HTMLElement): Promise<void> {
  let plots: uPlot[] = [];
  let shown = "";
  let drawing: Drawing | undefined;
  const draw = (): void => {
    if (!drawing) return;
    for (const plot of plots) plot.destroy();
    plots = show(place, drawing);
  };
  const load = async (): Promise<void> => {
    const answer = await fetch(place.dataset["chart"] ?? "", { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const text = await answer.text();
    if (text === shown) return;
    shown = text;
    drawing = JSON.parse(text) as Drawing;
    draw();
  };
  const tryLoad = (): void => void load().catch(() => undefined);
  tryLoad();
  setInterval(() => document.hidden || tryLoad(), REFRESH_MS);
  let width = place.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(place.clientWidth - width) > 8) {
      width = place.clientWidth;
      draw();
    }
  }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(draw));
}

function show(place: HTMLElement, drawing: Drawing): uPlot[] {
  const filled = drawing.series.filter((series) => series.at.length > 0);
  place.textContent = "";
  if (filled.length === 0) {
    const empty = document.createElement("p");
    empty.className = "empty";
    empty.textContent = place.dataset["empty"] ?? "";
    place.append(empty);
    return [];
  }
  return filled.map((series) => plot(place, series, drawing));
}

function plot(place: HTMLElement, series: Series, drawing: Drawing): uPlot {
  const figure = document.createElement("figure");
  figure.className = "chart";
  const caption = document.createElement("figcaption");
  const name = document.createElement("strong");
  name.textContent = series.name;
  caption.append(name, ` ${summary(place, series)}`);
  const canvas = document.createElement("div");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${series.name}: ${summary(place, series)}`);
  figure.append(caption, canvas);
  place.append(figure);
  return new uPlot(options(canvas, series, drawing), [series.at, series.value], canvas);
}

function summary(place: HTMLElement, series: Series): string {
  const last = series.value[series.value.length - 1];
  const words = place.dataset;
  if (series.events) return `${words["times"]} ${series.value.reduce((sum, each) => sum + each, 0)}`;
  const parts = [`${words["last"]} ${written(series, last)}`];
  if (series.states.length === 0) {
    parts.push(
      `${words["low"]} ${written(series, Math.min(...series.value))}`,
      `${words["high"]} ${written(series, Math.max(...series.value))}`,
    );
  }
  if (series.limits.length > 0) {
    parts.push(`${words["limit"]} ${series.limits.map((limit) => written(series, limit)).join(", ")}`);
  }
  return parts.join(" · ");
}

function written(series: Series, value: number | undefined): string {
  if (value === undefined) return "–";
  if (series.states.length > 0) return series.states[Math.round(value)] ?? String(value);
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
  return series.unit ? `${number} ${series.unit}` : number;
}

function options(place: HTMLElement, series: Series, { marks, bands = [], window }: Drawing): uPlot.Options {
  const colours = palette();
  const stepped = series.states.length > 0;
  const axis: uPlot.Axis = {
    stroke: colours.muted,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { stroke: colours.grid, width: 1 },
    font: "12px system-ui, sans-serif",
  };
  const line: uPlot.Series = { label: series.name, stroke: colours.line, width: 2, points: { show: series.at.length === 1 } };
  if (series.events) {
    line.paths = uPlot.paths.bars!({ size: [1, 4, 2] });
    line.fill = colours.line;
  } else if (stepped) line.paths = uPlot.paths.stepped!({ align: 1 });
  else line.fill = colours.fill;
  return {
    width: place.clientWidth,
    height: stepped || series.events ? LOW_HEIGHT : HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    scales: { x: { time: true, range: (_plot, from, to) => window ?? span(from, to) }, y: { range: (_plot, low, high) => range(series, low, high) } },
    axes: [
      { ...axis, values: (plot, times) => times.map((time) => timeLabel(plot, time)), space: 80, size: 28 },
      { ...axis, ...(stepped ? { size: 72, incrs: [1], space: 12 } : series.events ? { size: 56, incrs: [1, 2, 5, 10, 50, 100, 1000] } : { size: 56 }), values: (_plot, values) => values.map((value) => tick(series, value)) },
    ],
    series: [{}, line],
    hooks: { drawClear: [(plot) => shade(plot, bands, colours)], draw: [(plot) => annotate(plot, series, marks, colours)] },
  };
}

// One value alone has no span: the drawing library would make years of it.
function span(from: number, to: number): [number, number] {
  return to > from ? [from, to] : [from - 1800, from + 1800];
}

function range(series: Series, low: number, high: number): [number, number] {
  if (series.states.length > 0) return [-0.2, series.states.length - 0.8];
  if (series.events) return [0, high + 0.5];
  const least = Math.min(low, ...series.limits);
  const most = Math.max(high, ...series.limits);
  const room = (most - least || Math.abs(most) || 1) * 0.1;
  return [least - room, most + room];
}

function tick(series: Series, value: number): string {
  if (series.states.length > 0) return series.states[value] ?? "";
  return new Intl.NumberFormat(language, { maximumFractionDigits: 3 }).format(value);
}

function timeLabel(plot: uPlot, seconds: number): string {
  const span = (plot.scales["x"]?.max ?? 0) - (plot.scales["x"]?.min ?? 0);
  return new Intl.DateTimeFormat(language, {
    ...(span > 3 * 86_400 ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit" }),
    ...(span < 600 ? { second: "2-digit" } : {}),
    hourCycle: "h23",
    timeZone: zone,
  }).format(seconds * 1000);
}

interface Colours {
  line: string;
  fill: string;
  muted: string;
  grid: string;
  trip: string;
  recovery: string;
}

function palette(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(`--wk-${name}`).trim();
  return {
    line: of("line"),
    fill: of("fill"),
    muted: of("muted"),
    grid: of("grid"),
    trip: of("critical"),
    recovery: of("ok"),
  };
}

// What lasted: a stretch of time behind the curve, at least as wide as can be seen.
function shade(plot: uPlot, bands: Band[], colours: Colours): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.globalAlpha = 0.18;
  for (const band of bands) {
    ctx.fillStyle = band.other ? colours.muted : colours.trip;
    const left = Math.max(plot.valToPos(band.from, "x", true), bbox.left);
    const right = Math.min(plot.valToPos(band.to, "x", true), bbox.left + bbox.width);
    if (right >= left) ctx.fillRect(left, bbox.top, Math.max(right - left, 2 * devicePixelRatio), bbox.height);
  }
  ctx.restore();
}

function annotate(plot: uPlot, series: Series, marks: Mark[], colours: Colours): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = 1.5 * ratio;
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.strokeStyle = colours.trip;
  for (const limit of series.limits) {
    const y = plot.valToPos(limit, "y", true);
    stroke(ctx, [6 * ratio, 4 * ratio], bbox.left, y, bbox.left + bbox.width, y);
  }
  for (const mark of marks) {
    const x = plot.valToPos(mark.at, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const colour = mark.kind === "trip" ? colours.trip : colours.recovery;
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    stroke(ctx, [], x, bbox.top, x, bbox.top + bbox.height);
    const wide = ctx.measureText(mark.label).width + 6 * ratio;
    const fits = x + wide < bbox.left + bbox.width;
    ctx.textAlign = fits ? "left" : "right";
    const line = mark.kind === "trip" ? 12 : 26;
    ctx.fillText(mark.label, x + (fits ? 5 : -5) * ratio, bbox.top + line * ratio);
  }
  ctx.restore();
}

function stroke(
  ctx: CanvasRenderingContext2D,
  dash: number[],
  x1: number,
  y1: number,
  x2: number,
  y2: number,
): void {
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}
