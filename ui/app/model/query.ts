// What an insight asks for, event by event, as an address writes it: `e={"event":"signup","filters":[["plan","exact","pro"]]}`, once each.
// What isn't said is as usual; what can't be read, because the address was cut off or made up, is left out.
import type { Filter } from "../api/types.ts";
import { MAX_FILTERS, readFilter, writeFilter } from "./filters.ts";
import { parseJson, readObject, textOr } from "./json.ts";

export const COUNTS = ["total", "unique_persons", "unique_sessions", "per_session"] as const;
export const OF_NUMBERS = ["sum", "avg", "min", "max", "median", "p90", "p95", "p99"] as const;
export const MATHS = [...COUNTS, ...OF_NUMBERS] as const;
export type Measure = (typeof MATHS)[number];
export const needsProperty = (math: Measure): boolean => (OF_NUMBERS as readonly string[]).includes(math);

/** An event or, where `actionId` isn't null, a smart event; neither yet where both are null. */
export interface Wanted {
  event: string | null;
  actionId: string | null;
  filters: Filter[];
  /** What trends measure of it; funnels leave it as it is. */
  math: Measure;
  mathProperty: string | null;
}

export const NOTHING: Wanted = { event: null, actionId: null, filters: [], math: "total", mathProperty: null };
export const isChosen = (wanted: Wanted): boolean => wanted.event !== null || wanted.actionId !== null;

/** Whether the server can be asked: there is an event, and where numbers are measured it is said of which property. */
export const isWhole = (wanted: Wanted): boolean => isChosen(wanted) && (!needsProperty(wanted.math) || wanted.mathProperty !== null);

export function writeWanted(wanted: Wanted): string {
  return JSON.stringify({
    ...(wanted.event !== null && { event: wanted.event }),
    ...(wanted.actionId !== null && { action: wanted.actionId }),
    ...(wanted.filters.length > 0 && { filters: wanted.filters.map((filter) => parseJson(writeFilter(filter))) }),
    ...(wanted.math !== "total" && { math: wanted.math }),
    ...(wanted.mathProperty !== null && { of: wanted.mathProperty }),
  });
}

export function readWanted(written: string): Wanted | null {
  const parts = readObject(written);
  if (parts === null) return null;
  const { event, action, filters, math, of } = parts;
  const actionId = textOr(action);
  const read = (Array.isArray(filters) ? filters : []).map((each) => readFilter(JSON.stringify(each)));
  return {
    event: actionId === null ? textOr(event) : null,
    actionId,
    filters: read.filter((filter) => filter !== null).slice(0, MAX_FILTERS),
    math: MATHS.find((each) => each === math) ?? "total",
    mathProperty: textOr(of),
  };
}

export function readAllWanted(written: readonly string[], most: number): Wanted[] {
  return written.map(readWanted).filter((wanted) => wanted !== null).slice(0, most);
}

const filtersOf = (wanted: Wanted): { filters?: Filter[] } => (wanted.filters.length > 0 ? { filters: wanted.filters } : {});

/** As POST …/insights/trends takes it. */
export function seriesBody(wanted: Wanted): Record<string, unknown> {
  return {
    ...(wanted.actionId !== null ? { action_id: wanted.actionId } : { name: wanted.event }),
    math: wanted.math,
    ...(needsProperty(wanted.math) && { math_property: wanted.mathProperty }),
    ...filtersOf(wanted),
  };
}

/** As POST …/insights/funnel takes it. */
export function stepBody(wanted: Wanted): Record<string, unknown> {
  return { ...(wanted.actionId !== null ? { action_id: wanted.actionId } : { event: wanted.event }), ...filtersOf(wanted) };
}
