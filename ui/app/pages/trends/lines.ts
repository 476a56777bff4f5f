// A trends answer as lines with names, most of what somebody sees of it first.
import type { Json, Trends, TrendsSeries } from "../../api/types.ts";
import type { Cell } from "../../model/export.ts";
import { eventLabel, propertyLabel, valueLabel } from "../../model/names.ts";
import { trends as text } from "../../text/trends.ts";

/** Lines drawn until somebody chooses: as many as there are colours. */
export const MAX_DRAWN = 8;

export interface Named {
  key: string;
  name: string;
  series: TrendsSeries;
  tone: number;
}

export function namedSeries(answer: Trends): Named[] {
  const isOneEvent = new Set(answer.series.map((each) => each.event)).size === 1;
  const isOneMath = new Set(answer.series.map((each) => `${each.math} ${each.math_property ?? ""}`)).size === 1;
  return answer.series.map((series, place) => {
    const math = `${text.maths[series.math as keyof typeof text.maths] ?? series.math}${series.math_property === null ? "" : ` ${propertyLabel(series.math_property)}`}`;
    const parts = [
      ...(answer.breakdown === null || !isOneEvent ? [eventLabel(series.event)] : []),
      ...(isOneMath && series.math === "total" ? [] : isOneMath && answer.breakdown !== null ? [] : [math]),
      ...(answer.breakdown !== null ? [valueLabel(series.breakdown_value, answer.breakdown)] : []),
    ];
    return { key: `${place} ${parts.join(" · ")}`, name: parts.join(" · "), series, tone: (place % MAX_DRAWN) + 1 };
  });
}

/** Whether a breakdown's value can be filtered by: "the rest" can't. */
export const isFilterable = (value: Json): value is string | null => value === null || (typeof value === "string" && value !== "$other");

/** Whether all of them count something, so that none of their values is a fraction. */
export const areCounts = (named: readonly Named[]): boolean =>
  named.every(({ series: { math } }) => math === "total" || math === "unique_persons" || math === "unique_sessions");

export function average(series: TrendsSeries): number | null {
  const values = series.values.filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function csvRows(answer: Trends, named: readonly Named[]): Cell[][] {
  return [
    ["time", ...named.map((each) => each.name)],
    ...answer.labels.map((label, at): Cell[] => [label, ...named.map((each) => each.series.values[at] ?? null)]),
  ];
}
