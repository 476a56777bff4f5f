// Pictures of answers as PNG files, drawn on a canvas in the colours that are on show.
import { colourOf } from "./colour.ts";

const WIDTH = 1200;
const MARGIN = 32;
const LINE = 26;
const SCALE = 2;

export interface Legend {
  name: string;
  value: string;
  /** A CSS colour variable: `--data-1`. */
  colour: string;
}

export interface Brush {
  context: CanvasRenderingContext2D;
  colour: (variable: string) => string;
  font: (size: number, weight?: number) => string;
  width: number;
}

/** A canvas with a title, and beneath it what `draw` paints between the margins; `height` is that part's. */
export function painted(title: string, note: string, height: number, draw: (brush: Brush, top: number) => void): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  const whole = MARGIN * 2 + 64 + height;
  canvas.width = WIDTH * SCALE;
  canvas.height = whole * SCALE;
  const context = canvas.getContext("2d");
  if (!context) return Promise.resolve(null);
  const colour = (variable: string): string => colourOf(document.body, variable);
  const style = getComputedStyle(document.body);
  const brush: Brush = { context, colour, font: (size, weight = 400) => `${weight} ${size}px ${style.fontFamily}`, width: WIDTH - 2 * MARGIN };
  context.scale(SCALE, SCALE);
  context.fillStyle = colour("--surface");
  context.fillRect(0, 0, WIDTH, whole);
  context.translate(MARGIN, MARGIN);
  context.textBaseline = "top";
  context.fillStyle = colour("--text");
  context.font = brush.font(22, 650);
  context.fillText(fitted(context, title, brush.width), 0, 0);
  context.fillStyle = colour("--muted");
  context.font = brush.font(14);
  context.fillText(fitted(context, note, brush.width), 0, 32);
  draw(brush, 64);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

export function fitted(context: CanvasRenderingContext2D, words: string, width: number): string {
  if (context.measureText(words).width <= width) return words;
  let kept = words;
  while (kept.length > 0 && context.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}

/** A chart as it stands on the page, and its legend. */
export function chartPicture(title: string, note: string, chart: HTMLCanvasElement, legend: readonly Legend[]): Promise<Blob | null> {
  const width = WIDTH - 2 * MARGIN;
  const chartHeight = Math.min((chart.height / chart.width) * width, 640);
  return painted(title, note, chartHeight + 24 + legend.length * LINE, (brush, top) => {
    const { context } = brush;
    context.drawImage(chart, 0, top, width, chartHeight);
    context.font = brush.font(15);
    legend.forEach((each, place) => {
      const y = top + chartHeight + 24 + place * LINE;
      context.fillStyle = brush.colour(each.colour);
      context.fillRect(0, y + 3, 12, 12);
      context.fillStyle = brush.colour("--text");
      context.fillText(fitted(context, each.name, width - 220), 22, y);
      context.textAlign = "right";
      context.fillText(each.value, width, y);
      context.textAlign = "left";
    });
  });
}
