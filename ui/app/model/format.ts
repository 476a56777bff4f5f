// Figures and times as people read them. Times are in the project's timezone, never the browser's.
import { text } from "../text/en.ts";
import type { Interval } from "../api/types.ts";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const scientific = new Intl.NumberFormat("en", { notation: "scientific", maximumFractionDigits: 2 });
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Whole, or with two digits after the point, more where these would say 0; as 4E300 where it would have dozens of digits. */
export function formatNumber(value: number | null): string {
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size >= 1e16 || (size > 0 && size < 1e-6)) return scientific.format(value);
  if (Number.isInteger(value)) return whole.format(value + 0); // -0 is 0
  return (size < 0.1 ? small : precise).format(value);
}

/** With one digit after the point, so that a column of them lines up. */
export function formatAverage(value: number | null): string {
  if (value === null) return "–";
  const size = Math.abs(value);
  return size === 0 || (size >= 0.05 && size < 1e16) ? tenths.format(value) : formatNumber(value);
}

/** 12,345 as 12.3K: for axes and cards; the whole figure is in the title. */
export function formatShort(value: number | null): string {
  if (value === null) return "–";
  const size = Math.abs(value);
  return size < 10_000 || size >= 1e15 ? formatNumber(value) : compact.format(value);
}

export function formatPercent(ratio: number | null): string {
  if (ratio === null) return "–";
  const percent = ratio * 100;
  if (percent > 0 && percent < 0.05) return "<0.1%";
  if (percent >= 99.5 && percent < 100) return `${(Math.floor(percent * 10) / 10).toFixed(1)}%`; // not all
  return `${percent !== 0 && Math.abs(percent) < 9.95 ? percent.toFixed(1) : Math.round(percent)}%`;
}

export function formatDuration(seconds: number | null): string {
  if (seconds === null) return "–";
  const { second, minute, hour, day } = text.units;
  const s = Math.round(seconds);
  if (s < 60) return seconds > 0 && seconds < 10 && !Number.isInteger(seconds) ? `${seconds.toFixed(1)}${second}` : `${s}${second}`;
  if (s < 3600) return `${Math.floor(s / 60)}${minute} ${s % 60}${second}`;
  if (s < 86_400) return `${Math.floor(s / 3600)}${hour} ${Math.floor((s % 3600) / 60)}${minute}`;
  return `${Math.floor(s / 86_400)}${day} ${Math.floor((s % 86_400) / 3600)}${hour}`;
}

/** By how much a figure changed, as a ratio; null where there is nothing to compare with. */
export function changeOf(now: number | null, before: number | null | undefined): number | null {
  if (now === null || before === null || before === undefined || before === 0) return null;
  return (now - before) / before;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatter(timezone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = timezone + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat("en", { ...options, timeZone: timezone, hourCycle: "h23" });
    formats.set(key, made);
  }
  return made;
}

export function formatBucket(iso: string, interval: Interval, timezone: string, { long = false } = {}): string {
  const options: Intl.DateTimeFormatOptions =
    interval === "hour" ? { hour: "2-digit", minute: "2-digit", ...(long && { weekday: "short", day: "numeric", month: "short" }) }
    : interval === "month" ? { month: "short", year: "numeric" }
    : { day: "numeric", month: "short", ...(long && { weekday: "short", year: "numeric" }) };
  return formatter(timezone, options).format(new Date(iso));
}

/** Hours of more days than two say which day they are of, days of more than ten months of which year. */
const MANY_HOURS = 49;
const MANY_DAYS_MS = 300 * 86_400_000;

/** What stands beneath a chart. */
export function axisLabels(labels: readonly string[], interval: Interval, timezone: string): string[] {
  const spanMs = Date.parse(labels.at(-1) ?? "") - Date.parse(labels[0] ?? "");
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short" };
  const options: Intl.DateTimeFormatOptions | null =
    interval === "hour" && labels.length > MANY_HOURS ? { ...day, hour: "2-digit", minute: "2-digit" }
    : (interval === "day" || interval === "week") && spanMs > MANY_DAYS_MS ? { ...day, year: "numeric" }
    : null;
  return labels.map((label) => (options ? formatter(timezone, options).format(new Date(label)) : formatBucket(label, interval, timezone)));
}

export function formatMoment(iso: string, timezone: string): string {
  const options: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return formatter(timezone, options).format(new Date(iso));
}

/** The day that it then is there, as 2025-01-31. */
export function dayOf(ms: number, timezone: string): string {
  const parts = formatter(timezone, { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(ms);
  return ["year", "month", "day"].map((type) => parts.find((each) => each.type === type)?.value).join("-");
}

export function formatClock(iso: string, timezone: string): string {
  return formatter(timezone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(iso));
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function formatAgo(iso: string, nowMs: number): string {
  const seconds = (Date.parse(iso) - nowMs) / 1000;
  const size = Math.abs(seconds);
  if (size < 60) return relative.format(Math.round(seconds), "second");
  if (size < 3600) return relative.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return relative.format(Math.round(seconds / 3600), "hour");
  return relative.format(Math.round(seconds / 86_400), "day");
}
