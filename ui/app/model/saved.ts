// A saved question as the address of the page that asks it: what trends and funnels read there.
import type { SavedInsight, SavedPart, SavedQuery } from "../api/dashboards.ts";
import { writeFilter } from "./filters.ts";
import { MATHS, NOTHING, writeWanted } from "./query.ts";
import { daysIn, usualInterval, type Range } from "./range.ts";

const MAX_BUCKETS = 1500;
const HOURS: Record<string, number> = { hour: 1, day: 24, week: 168, month: 730 };

function wantedOf(part: SavedPart | string): string {
  if (typeof part === "string") return writeWanted({ ...NOTHING, event: part });
  return writeWanted({
    event: part.action_id === undefined ? (part.name ?? part.event ?? null) : null,
    actionId: part.action_id ?? null,
    filters: part.filters ?? [],
    math: MATHS.find((each) => each === part.math) ?? "total",
    mathProperty: part.math_property ?? null,
  });
}

/** The same question of other dates. An interval that would cut them into more pieces than the server answers gives way to a longer one. */
export function dated<T extends Pick<SavedInsight, "query">>(insight: T, range: Range, now: Date): T {
  const { date_to: _, interval, ...rest } = insight.query;
  const isTooFine = (daysIn(range, now) * 24) / HOURS[interval ?? "day"]! > MAX_BUCKETS;
  const query: SavedQuery = {
    ...rest,
    ...(interval !== undefined && { interval: isTooFine ? usualInterval(range, now) : interval }),
    date_from: range.from,
    ...(range.to !== null && { date_to: range.to }),
  };
  return { ...insight, query };
}

export function placeOf({ kind, query, chart }: Pick<SavedInsight, "kind" | "query"> & Partial<Pick<SavedInsight, "chart">>): { path: string; parameters: Record<string, string | string[] | null> } {
  const shared = {
    f: (query.filters ?? []).map(writeFilter),
    from: query.date_from ?? null,
    to: query.date_to ?? null,
    breakdown: query.breakdown ?? null,
  };
  if (kind === "trends") return { path: "/trends", parameters: { e: (query.events ?? []).map(wantedOf), interval: query.interval ?? null, ...(chart === "bar" && { chart }), ...shared } };
  const window = query.conversion_window;
  return {
    path: "/funnels",
    parameters: {
      e: (query.steps ?? []).map(wantedOf),
      window: window === undefined ? null : typeof window === "number" ? `${window}s` : window,
      mode: query.modes ?? [],
      by: query.aggregate_by ?? null,
      ...shared,
    },
  };
}
