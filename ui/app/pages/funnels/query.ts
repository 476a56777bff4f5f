// A funnel's question as the address has it, and as the API takes it.
import type { Filter, Json } from "../../api/types.ts";
import { readList } from "../../model/json.ts";
import { isChosen, NOTHING, readAllWanted, stepBody, writeWanted, type Wanted } from "../../model/query.ts";
import { PRESETS, type Range } from "../../model/range.ts";
import { place, setParameters } from "../../state/router.ts";
import { parameter, readScope } from "../../state/scope.ts";

export const MAX_STEPS = 32;
export const MODES = ["strict_order", "allow_reentry", "strict_deduplication", "strict_increase", "strict_once"] as const;
export type Mode = (typeof MODES)[number];
export const UNITS = ["s", "m", "h", "d", "w"] as const;
export const USUAL_WINDOW = "7d";

export interface FunnelQuestion {
  steps: Wanted[];
  window: string;
  modes: Mode[];
  by: "person" | "session";
  breakdown: string | null;
  range: Range;
  filters: Filter[];
}

/** Those of whom the list is open: who reached a step, or went no further than the one before. */
export interface Who {
  outcome: "converted" | "dropped_off";
  step: number;
  /** undefined: whatever the breakdown's value. */
  value?: Json;
}

export function readFunnel(): FunnelQuestion {
  const query = new URLSearchParams(place.value.search);
  const { range, filters } = readScope(PRESETS.month);
  const steps = readAllWanted(query.getAll("e"), MAX_STEPS);
  const window = query.get("window") ?? "";
  return {
    steps: [...steps, NOTHING, NOTHING].slice(0, Math.max(steps.length, 2)),
    window: /^[1-9]\d{0,7}[smhdw]$/.test(window) ? window : USUAL_WINDOW,
    modes: MODES.filter((mode) => query.getAll("mode").includes(mode)),
    by: query.get("by") === "session" ? "session" : "person",
    breakdown: query.get("breakdown") || null,
    range,
    filters,
  };
}

export const changeSteps = (steps: readonly Wanted[]): void => setParameters({ e: steps.map(writeWanted), who: null });

/** allow_reentry means nothing but with strict_order, and the server refuses it. */
export function changeModes(modes: readonly Mode[]): void {
  setParameters({ mode: modes.filter((mode) => mode !== "allow_reentry" || modes.includes("strict_order")), who: null });
}

/** null while a step isn't chosen. */
export function funnelBody({ steps, window, modes, by, breakdown, range, filters }: FunnelQuestion): Record<string, unknown> | null {
  if (!steps.every(isChosen)) return null;
  return {
    steps: steps.map(stepBody),
    conversion_window: window,
    ...(modes.length > 0 && { modes }),
    ...(by === "session" && { aggregate_by: by }),
    date_from: range.from,
    ...(range.to !== null && { date_to: range.to }),
    ...(breakdown !== null && { breakdown }),
    ...(filters.length > 0 && { filters }),
  };
}

export function readWho(steps: number): Who | null {
  const parts = readList(parameter("who") ?? "");
  if (parts === null) return null;
  const [outcome, step, value] = parts;
  if ((outcome !== "converted" && outcome !== "dropped_off") || typeof step !== "number" || !Number.isInteger(step)) return null;
  if (step < (outcome === "converted" ? 1 : 2) || step > steps) return null;
  return parts.length > 2 ? { outcome, step, value: value as Json } : { outcome, step };
}

export function showWho(who: Who | null): void {
  setParameters({ who: who && JSON.stringify([who.outcome, who.step, ...(who.value === undefined ? [] : [who.value])]) });
}
