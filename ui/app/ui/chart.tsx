// Lines over time, drawn by uPlot on a canvas, which loads with this module. Buckets are evenly spaced by their number, so that a day of 25
// hours is no wider than another. Everything drawn is also in a table beneath, and arrow keys read the chart out bucket by bucket.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "../style/chart.css";
import { paints } from "../state/theme.ts";
import { text } from "../text/en.ts";
import { colourOf } from "./colour.ts";
import { Table, type Column } from "./table.tsx";

export interface Line {
  name: string;
  values: readonly (number | null)[];
  /** 1 to 8: which of the palette's colours. */
  tone: number;
  /** The period before: a thin dashed line, and no area. */
  isBefore?: boolean;
}

const HEIGHT = 260;

interface Props {
  name: string;
  labels: readonly string[];
  longLabels: readonly string[];
  lines: readonly Line[];
  format: (value: number | null) => string;
  /** Counts: the axis has whole numbers alone. */
  isWhole?: boolean;
  height?: number;
  /** The last bucket isn't over: its stretch is drawn dotted. */
  isLastOpen?: boolean;
  kind?: "line" | "bar";
}

/** With an alpha; browsers resolve the style sheet's colours to rgb(…). */
function faded(resolved: string, alpha: number): string {
  const numbers = resolved.startsWith("rgb") ? resolved.match(/[\d.]+/g)?.slice(0, 3) : undefined;
  return numbers?.length === 3 ? `rgba(${numbers.join(",")},${alpha})` : resolved;
}

/** Bars stand on each other, or hang beneath 0: each line's values with those of the same sign of the lines before it. */
export function stacked(lines: readonly Pick<Line, "values">[]): (number | null)[][] {
  const above: number[] = [];
  const below: number[] = [];
  return lines.map((line) => line.values.map((value, at) => {
    const sums = (value ?? 0) < 0 ? below : above;
    return (sums[at] = (sums[at] ?? 0) + (value ?? 0));
  }));
}

/** From the least value to the most, with 0 in it and a little room. */
export function valueRange(least: number | null, most: number | null): [number, number] {
  const [from, to] = [Math.min(least ?? 0, 0) * 1.08, Math.max(most ?? 0, 0) * 1.08];
  return from === to ? [0, 1] : [from, to];
}

/** What may lie between two labels of an axis of counts: 1, 2, 5, 10, 20, 25, 50 and so on. */
export const WHOLE_STEPS: number[] = Array.from({ length: 16 }, (_, power) => [1, 2, 2.5, 5].map((each) => each * 10 ** power)).flat().filter(Number.isInteger);

/** The tallest of the bars goes first, so that those beneath are seen before it. */
const drawnOrder = <T,>(lines: readonly T[], kind: Props["kind"]): T[] => (kind === "bar" ? [...lines].reverse() : [...lines]);

function options(element: HTMLElement, props: Props, width: number, onCursor: (place: number | null) => void): uPlot.Options {
  const { labels, lines, format, isWhole, height = HEIGHT, isLastOpen, kind = "line" } = props;
  const muted = colourOf(element, "--muted");
  const grid = colourOf(element, "--line");
  const surface = colourOf(element, "--surface");
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  const last = labels.length - 1;
  const series = drawnOrder(lines, kind).map((line): uPlot.Series => {
    const stroke = colourOf(element, `--data-${line.tone}`);
    const isFirst = lines.find((each) => !each.isBefore) === line;
    return {
      label: line.name,
      stroke: line.isBefore ? faded(stroke, 0.55) : stroke,
      width: line.isBefore ? 1.5 : 2,
      ...(line.isBefore && { dash: [4, 4] }),
      ...(kind === "bar" && uPlot.paths.bars && { paths: uPlot.paths.bars({ size: [0.7, 48] }), fill: stroke, width: 0 }),
      ...(kind === "line" && isFirst && lines.filter((each) => !each.isBefore).length === 1 && { fill: faded(stroke, 0.09) }),
      points: { show: labels.length === 1, size: 7, fill: stroke },
      spanGaps: false,
    };
  });
  return {
    width,
    height,
    padding: [12, 22, 0, 0],
    legend: { show: false },
    scales: { x: { time: false, range: [kind === "bar" ? -0.6 : 0, Math.max(last, 1) + (kind === "bar" ? 0.6 : 0)] }, y: { range: (_, least, most) => valueRange(least, most) } },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: kind === "line", size: 8, width: 2, stroke: () => surface, fill: (plot, place) => String((plot.series[place]?.stroke as () => string)?.call(null) ?? muted) } },
    axes: [
      {
        stroke: muted, font, grid: { show: false }, ticks: { show: false }, gap: 6, size: 30,
        splits: (plot) => ticks(labels.length, plot.bbox.width / devicePixelRatio, longest(labels)),
        values: (_, places) => places.map((place) => labels[place] ?? ""),
      },
      { stroke: muted, font, grid: { stroke: grid, width: 1 }, ticks: { show: false }, gap: 8, size: (_, values) => 16 + 7 * longest(values ?? []), values: (_, values) => values.map((value) => format(value)), space: 44, ...(isWhole && { incrs: WHOLE_STEPS }) },
    ],
    series: [{}, ...series],
    hooks: {
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
      ...(isLastOpen && last > 0 && kind === "line" && { draw: [(plot: uPlot) => shadeLast(plot, last, faded(surface, 0.6))] }),
    },
  };
}

const longest = (labels: readonly string[]): number => Math.max(1, ...labels.map((label) => label.length));

/** Buckets that get a label: as many as fit, evenly spaced. */
export function ticks(count: number, width: number, chars: number): number[] {
  const most = Math.max(1, Math.floor(width / (chars * 7 + 24)));
  const step = Math.max(1, Math.ceil(count / most));
  return Array.from({ length: Math.ceil(count / step) }, (_, place) => place * step);
}

/** What isn't over yet is paler: its figures will still grow. */
function shadeLast(plot: uPlot, last: number, paint: string): void {
  const from = plot.valToPos(last - 1, "x", true) + 2;
  plot.ctx.save();
  plot.ctx.fillStyle = paint;
  plot.ctx.fillRect(from, plot.bbox.top, plot.valToPos(last, "x", true) - from + 4, plot.bbox.height);
  plot.ctx.restore();
}

export function Chart(props: Props): JSX.Element {
  const { name, labels, longLabels, lines, format } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [place, setPlace] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const paint = paints.value;
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const values = props.kind === "bar" ? drawnOrder(stacked(lines), "bar") : lines.map((line) => [...line.values]);
    const data = [labels.map((_, at) => at), ...values] as unknown as uPlot.AlignedData;
    const made = new uPlot(options(element, props, element.clientWidth, setPlace), data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: made.height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [labels, lines, paint, props.kind, props.isLastOpen, props.height, props.isWhole, format]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0 || !plot.current) return;
    event.preventDefault();
    const next = Math.min(Math.max((place ?? (step > 0 ? -1 : labels.length)) + step, 0), labels.length - 1);
    plot.current.setCursor({ left: plot.current.valToPos(next, "x"), top: 0 });
    setPlace(next);
    setSaid(`${longLabels[next]}: ${lines.map((line) => `${line.name} ${format(line.values[next] ?? null)}`).join(", ")}`);
  };
  const summary = text.chart.summary(name, longLabels[0] ?? "", longLabels.at(-1) ?? "");
  return (
    <figure class="chart">
      <div class="chart-box" ref={box} style={{ minHeight: `${props.height ?? HEIGHT}px` }} role="img" aria-label={summary} tabIndex={0} onKeyDown={onKeyDown} onBlur={() => setPlace(null)}>
        {place !== null && place < labels.length && <Tip props={props} place={place} plot={plot.current} />}
      </div>
      <span class="visually-hidden" aria-live="polite">{said}</span>
      <details class="chart-table">
        <summary>{text.chart.table}</summary>
        <Table caption={name} columns={columnsOf(props)} rows={longLabels.map((_, at) => at)} keyOf={String} />
      </details>
    </figure>
  );
}

function columnsOf({ longLabels, lines, format }: Props): Column<number>[] {
  return [
    { key: "time", head: text.chart.time, cell: (at) => longLabels[at] },
    ...lines.map((line, number): Column<number> => ({ key: String(number), head: line.name, isNumber: true, cell: (at) => format(line.values[at] ?? null) })),
  ];
}

function Tip({ props, place, plot }: { props: Props; place: number; plot: uPlot | null }): JSX.Element | null {
  if (!plot) return null;
  const left = plot.valToPos(place, "x") + plot.bbox.left / devicePixelRatio;
  const isRight = left > plot.width / 2;
  return (
    <div class="tip" style={isRight ? { right: `${plot.width - left + 12}px` } : { left: `${left + 12}px` }} aria-hidden="true">
      <strong>{props.longLabels[place]}</strong>
      {props.lines.slice(0, 12).map((line, number) => (
        <div class="tip-line" key={number}>
          <span class={`swatch${line.isBefore ? " is-before" : ""}`} data-tone={line.tone} />
          <span class="truncate grow">{line.name}</span>
          <span class="number">{props.format(line.values[place] ?? null)}</span>
        </div>
      ))}
    </div>
  );
}
