// What most pages are about, as the address has it: from when to when, compared or not, and which filters hold.
import type { Filter } from "../api/types.ts";
import { readFilters, writeFilter } from "../model/filters.ts";
import { readRange, type Range } from "../model/range.ts";
import { place, setParameters } from "./router.ts";

export interface Scope {
  range: Range;
  isCompared: boolean;
  filters: Filter[];
}

/** Reads the address as it is now; a component that calls this is rendered anew when the address changes. */
export function readScope(usual: Range): Scope {
  const query = new URLSearchParams(place.value.search);
  return {
    range: readRange(query.get("from"), query.get("to"), usual),
    isCompared: query.get("compare") !== "0",
    filters: readFilters(query.getAll("f")),
  };
}

/** The dates of an address that may have none. */
export function readDates(): Range | null {
  const [from, to] = [parameter("from"), parameter("to")];
  const none: Range = { from: "", to: null };
  const range = readRange(from, to, none);
  return range === none ? null : range;
}

export function parameter(name: string): string | null {
  return new URLSearchParams(place.value.search).get(name);
}

export const changeRange = (range: Range | null): void => setParameters({ from: range?.from ?? null, to: range?.to ?? null });
export const changeCompared = (isCompared: boolean): void => setParameters({ compare: isCompared ? null : "0" });
export const changeFilters = (filters: readonly Filter[]): void => setParameters({ f: filters.map(writeFilter) });
