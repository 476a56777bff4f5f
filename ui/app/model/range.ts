// Ranges of dates as the address and the API write them: a date, an instant, or so long ago. `to` null is "until now".
import { text } from "../text/en.ts";

export interface Range {
  from: string;
  to: string | null;
}

export type Preset = keyof typeof text.range.presets;

/** Whole days count today in: the last seven are today and the six before it. */
export const PRESETS: Record<Preset, Range> = {
  today: { from: "-0d", to: null },
  yesterday: { from: "-1d", to: "-1d" },
  day: { from: "-24h", to: null },
  week: { from: "-6d", to: null },
  month: { from: "-29d", to: null },
  quarter: { from: "-89d", to: null },
  year: { from: "-12mo", to: null },
};

const SAFE = /^(?:-\d{1,5}(?:min|h|d|w|mo|y)|\d{4}-\d{2}-\d{2}(?:T[\d:.]{5,12}(?:Z|[+-]\d{2}:\d{2})?)?)$/;
const AGO = /^-(\d+)(min|h|d|w|mo|y)$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export const isDay = (value: string): boolean => DAY.test(value) && !Number.isNaN(Date.parse(`${value}T00:00:00Z`));

/** The range of an address; what can't be one is the range that is usual. */
export function readRange(from: string | null, to: string | null, usual: Range): Range {
  if (from === null || !SAFE.test(from)) return usual;
  return { from, to: to !== null && SAFE.test(to) ? to : null };
}

/** Whether it is so many hours until now, however the day stands. */
export const isOfHours = ({ from, to }: Range): boolean => to === null && /^-\d+(?:min|h)$/.test(from);

/** Whether it means the same days for ever: neither is so long ago, nor is it until now. */
export const isSettled = ({ from, to }: Range): boolean => to !== null && !AGO.test(from) && !AGO.test(to);

export function presetOf(range: Range): Preset | null {
  const names = Object.keys(PRESETS) as Preset[];
  return names.find((name) => PRESETS[name].from === range.from && PRESETS[name].to === range.to) ?? null;
}

/** About how many days a range has: enough to choose an interval by. */
export function daysIn(range: Range, now: Date): number {
  return Math.max(ageInDays(range.from, now) - (range.to === null ? 0 : ageInDays(range.to, now)) + 1, 0);
}

function ageInDays(moment: string, now: Date): number {
  const ago = agoOf(moment);
  if (!ago) return (now.getTime() - Date.parse(moment)) / 86_400_000;
  return ago.count * { min: 1 / 1440, h: 1 / 24, d: 1, w: 7, mo: 30.4, y: 365.2 }[ago.unit];
}

export function usualInterval(range: Range, now: Date): "hour" | "day" | "week" | "month" {
  const days = daysIn(range, now);
  if (days <= 2.5) return "hour";
  if (days <= 100) return "day";
  return days <= 750 ? "week" : "month";
}

export function rangeLabel(range: Range): string {
  const preset = presetOf(range);
  if (preset) return text.range.presets[preset];
  const ago = agoOf(range.from);
  if (range.to !== null) return text.range.span(momentLabel(range.from), momentLabel(range.to));
  if (ago === null) return text.range.since(momentLabel(range.from));
  return text.range.last(ago.unit === "d" ? ago.count + 1 : ago.count, text.range.units[ago.unit]); // today is one of the days
}

function agoOf(moment: string): { count: number; unit: keyof typeof text.range.units } | null {
  const found = AGO.exec(moment);
  return found && { count: Number(found[1]), unit: found[2] as keyof typeof text.range.units };
}

function momentLabel(value: string): string {
  const ago = agoOf(value);
  if (ago) return ago.unit === "d" && ago.count < 2 ? text.range.days[ago.count] ?? value : text.range.ago(ago.count, text.range.units[ago.unit]);
  if (!isDay(value)) return value.slice(0, 16).replace("T", " ");
  return new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(`${value}T00:00:00Z`));
}
