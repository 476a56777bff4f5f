// A saved question as the address of the page that asks it: what trends and funnels read there.
import type { SavedInsight, SavedPart } from "../api/dashboards.ts";
import { writeFilter } from "./filters.ts";
import { MATHS, NOTHING, writeWanted } from "./query.ts";

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

export function placeOf({ kind, query }: Pick<SavedInsight, "kind" | "query">): { path: string; parameters: Record<string, string | string[] | null> } {
  const shared = {
    f: (query.filters ?? []).map(writeFilter),
    from: query.date_from ?? null,
    to: query.date_to ?? null,
    breakdown: query.breakdown ?? null,
  };
  if (kind === "trends") return { path: "/trends", parameters: { e: (query.events ?? []).map(wantedOf), interval: query.interval ?? null, ...shared } };
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
