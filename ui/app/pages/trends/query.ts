// A trends question as the address has it, and as the API takes it.
import { INTERVALS, type Filter, type Interval } from "../../api/types.ts";
import { isWhole, NOTHING, readAllWanted, seriesBody, writeWanted, type Wanted } from "../../model/query.ts";
import { PRESETS, usualInterval, type Range } from "../../model/range.ts";
import { place, setParameters } from "../../state/router.ts";
import { parameter, readScope } from "../../state/scope.ts";

export const MAX_EVENTS = 10;
export const MAX_BUCKETS = 1500;
export type Kind = "line" | "bar";

export interface TrendsQuestion {
  wanted: Wanted[];
  range: Range;
  interval: Interval;
  breakdown: string | null;
  filters: Filter[];
  kind: Kind;
}

export function readTrends(now: Date): TrendsQuestion {
  const { range, filters } = readScope(PRESETS.month);
  const wanted = readAllWanted(new URLSearchParams(place.value.search).getAll("e"), MAX_EVENTS);
  return {
    wanted: wanted.length > 0 ? wanted : [NOTHING],
    range,
    interval: INTERVALS.find((each) => each === parameter("interval")) ?? usualInterval(range, now),
    breakdown: parameter("breakdown") || null,
    filters,
    kind: parameter("chart") === "bar" ? "bar" : "line",
  };
}

export const changeWanted = (wanted: readonly Wanted[]): void => setParameters({ e: wanted.map(writeWanted) });

/** null while an event isn't chosen to the end. */
export function trendsBody({ wanted, range, interval, breakdown, filters }: TrendsQuestion): Record<string, unknown> | null {
  if (!wanted.every(isWhole)) return null;
  return {
    events: wanted.map(seriesBody),
    interval,
    date_from: range.from,
    ...(range.to !== null && { date_to: range.to }),
    ...(breakdown !== null && { breakdown }),
    ...(filters.length > 0 && { filters }),
  };
}
