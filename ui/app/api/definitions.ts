// What the autocompletes suggest: names of events and properties, values seen, smart events. Asked when a field is opened; the answer to the
// same question is kept for a minute.
import { get, projectPath, type Parameters } from "./client.ts";
import type { EventDefinition, Page, PropertyDefinition, SmartEvent } from "./types.ts";
import { eventLabel, propertyLabel, valueLabel } from "../model/names.ts";
import { formatShort } from "../model/format.ts";
import type { Suggestion } from "../ui/combobox.tsx";

const KEPT_MS = 60_000;
const MAX_KEPT = 100;
const MAX_SHOWN = 50;
const kept = new Map<string, { at: number; answer: unknown }>();

async function asked<T>(path: string, query: Parameters, signal: AbortSignal): Promise<T> {
  const key = path + JSON.stringify(query);
  const known = kept.get(key);
  if (known && Date.now() - known.at < KEPT_MS) return known.answer as T;
  const answer = await get<T>(path, query, signal);
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(key, { at: Date.now(), answer });
  return answer;
}

const meets = (name: string, label: string, typed: string): boolean => {
  const part = typed.toLowerCase();
  return name.toLowerCase().includes(part) || label.toLowerCase().includes(part);
};

/** Events by how many there were lately. What is typed is looked for here too, since `$pageview` is shown as "Page view". */
export async function suggestEvents(projectId: string, typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  const page = await asked<Page<EventDefinition>>(projectPath(projectId, "event_definitions"), { limit: 1000 }, signal);
  return page.data
    .filter((each) => meets(each.name, eventLabel(each.name), typed))
    .sort((one, other) => other.volume_30d - one.volume_30d || one.name.localeCompare(other.name))
    .slice(0, MAX_SHOWN)
    .map((each) => ({ value: each.name, label: eventLabel(each.name), note: formatShort(each.volume_30d) }));
}

export async function smartEvents(projectId: string, signal: AbortSignal): Promise<SmartEvent[]> {
  return (await asked<Page<SmartEvent>>(projectPath(projectId, "action_definitions"), { limit: 1000, include_archived: true }, signal)).data;
}

export async function properties(projectId: string, event: string | null, signal: AbortSignal): Promise<PropertyDefinition[]> {
  return (await asked<Page<PropertyDefinition>>(projectPath(projectId, "property_definitions"), { limit: 1000, event }, signal)).data;
}

export async function suggestProperties(projectId: string, event: string | null, typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  return (await properties(projectId, event, signal))
    .filter((each) => meets(each.name, propertyLabel(each.name), typed))
    .sort((one, other) => other.event_count - one.event_count || one.name.localeCompare(other.name))
    .slice(0, MAX_SHOWN)
    .map((each) => ({ value: each.name, label: propertyLabel(each.name), note: each.type }));
}

/** Properties that have numbers: what a sum or a median can be of. */
export async function suggestNumbers(projectId: string, event: string | null, typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  const found = await properties(projectId, event, signal);
  return found
    .filter((each) => each.type === "number" && meets(each.name, propertyLabel(each.name), typed))
    .slice(0, MAX_SHOWN)
    .map((each) => ({ value: each.name, label: propertyLabel(each.name), note: formatShort(each.event_count) }));
}

/** Values that the property was seen to have; a few of them. */
export async function suggestValues(projectId: string, property: string, typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  const found = (await properties(projectId, null, signal)).find((each) => each.name === property);
  return (found?.example_values ?? [])
    .filter((value) => typeof value !== "object")
    .map((value) => ({ value: String(value), label: valueLabel(value, property) }))
    .filter((each) => meets(each.value, each.label, typed));
}
