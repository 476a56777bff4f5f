// What the autocompletes suggest: names of events and properties, values seen, smart events. Asked when a field is opened; the answer to the
// same question is kept for some seconds.
import { get, projectPath, type Parameters } from "./client.ts";
import type { EventDefinition, Page, PropertyDefinition, SmartEvent } from "./types.ts";
import { isNumeric } from "../model/json.ts";
import { eventLabel, propertyLabel, valueLabel } from "../model/names.ts";
import { sentAs } from "../model/addresses.ts";
import { formatShort } from "../model/format.ts";
import { text } from "../text/en.ts";
import type { Suggestion } from "../ui/combobox.tsx";

const KEPT_MS = 15_000;
const MAX_KEPT = 100;
const MAX_SHOWN = 50;
const MAX_SEARCH_CHARS = 200;
const MAX_PARTS = 4;
const kept = new Map<string, { at: number; answer: unknown }>();

interface Had<T> {
  answer: T;
  isKept: boolean;
}

async function had<T>(path: string, query: Parameters, signal: AbortSignal, keptMs = KEPT_MS): Promise<Had<T>> {
  const key = path + JSON.stringify(query);
  const known = kept.get(key);
  if (known && Date.now() - known.at < keptMs) return { answer: known.answer as T, isKept: true };
  const answer = await get<T>(path, query, signal);
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(key, { at: Date.now(), answer });
  return { answer, isKept: false };
}

type Named = { name: string };

/** What `pick` finds in a list; where that is nothing in one that was kept, the list is asked for anew: the name may have come in since.
 * Of names that are more than a page of them those that have one of `parts` in them are looked for by the server too. */
async function picked<T extends Named>(path: string, query: Parameters, signal: AbortSignal, parts: readonly string[], pick: (all: readonly T[]) => Suggestion[]): Promise<Suggestion[]> {
  const all = async (keptMs?: number): Promise<Had<T[]>> => {
    const first = await had<Page<T>>(path, query, signal, keptMs);
    const searches = first.answer.meta.has_more ? parts.filter(Boolean).map((search) => had<Page<T>>(path, { ...query, search: search.slice(0, MAX_SEARCH_CHARS) }, signal, keptMs)) : [];
    const found = new Map([first, ...(await Promise.all(searches))].flatMap(({ answer }) => answer.data.map((each) => [each.name, each])));
    return { answer: [...found.values()], isKept: first.isKept };
  };
  const first = await all();
  const found = pick(first.answer);
  return found.length > 0 || !first.isKept ? found : pick((await all(0)).answer);
}

/** What is typed, and the names that are shown by words which have it in them. */
const partsOf = (typed: string, labels: Record<string, string>): string[] =>
  [typed, ...Object.keys(labels).filter((name) => typed !== "" && meets(name, labels[name] ?? "", typed))].slice(0, MAX_PARTS);

const meets = (name: string, label: string, typed: string): boolean => {
  const part = typed.toLowerCase();
  return name.toLowerCase().includes(part) || label.toLowerCase().includes(part);
};

/** Events by how many there were lately. What is typed is looked for here too, since `$pageview` is shown as "Page view". */
export function suggestEvents(projectId: string, typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  return picked<EventDefinition>(projectPath(projectId, "event_definitions"), { limit: 1000 }, signal, partsOf(typed, text.events), (all) =>
    all
      .filter((each) => meets(each.name, eventLabel(each.name), typed))
      .sort((one, other) => other.volume_30d - one.volume_30d || one.name.localeCompare(other.name))
      .slice(0, MAX_SHOWN)
      .map((each) => ({ value: each.name, label: eventLabel(each.name), note: formatShort(each.volume_30d) })));
}

/** Of names of events those of which none ever came; where the project has more names than a page of them, only what is known for certain. */
export async function neverCame(projectId: string, names: readonly string[], signal: AbortSignal): Promise<string[]> {
  const ask = (keptMs?: number): Promise<Had<Page<EventDefinition>>> =>
    had(projectPath(projectId, "event_definitions"), { limit: 1000, include_hidden: true }, signal, keptMs);
  const missing = ({ answer: { data, meta } }: Had<Page<EventDefinition>>): string[] =>
    meta.has_more ? [] : names.filter((name) => !data.some((each) => each.name === name));
  const first = await ask();
  return missing(first).length > 0 && first.isKept ? missing(await ask(0)) : missing(first);
}

export async function smartEvents(projectId: string, signal: AbortSignal): Promise<SmartEvent[]> {
  return (await had<Page<SmartEvent>>(projectPath(projectId, "action_definitions"), { limit: 1000, include_archived: true }, signal)).answer.data;
}

/** Somebody changed one here: what was kept of them is out of date. */
export function forgetSmartEvents(projectId: string): void {
  for (const key of kept.keys()) if (key.startsWith(projectPath(projectId, "action_definitions"))) kept.delete(key);
}

type Pick = (all: readonly PropertyDefinition[]) => Suggestion[];

function pickedProperties(projectId: string, event: string | null, signal: AbortSignal, parts: readonly string[], pick: Pick): Promise<Suggestion[]> {
  return picked<PropertyDefinition>(projectPath(projectId, "property_definitions"), { limit: 1000, event }, signal, parts, pick);
}

export function suggestProperties(projectId: string, event: string | null, typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  return pickedProperties(projectId, event, signal, partsOf(typed, text.properties), (all) =>
    all
      .filter((each) => meets(each.name, propertyLabel(each.name), typed))
      .sort((one, other) => other.event_count - one.event_count || one.name.localeCompare(other.name))
      .slice(0, MAX_SHOWN)
      .map((each) => ({ value: each.name, label: propertyLabel(each.name), note: each.type })));
}

/** Properties that have numbers: what a sum or a median can be of. */
export function suggestNumbers(projectId: string, event: string | null, typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  return pickedProperties(projectId, event, signal, partsOf(typed, text.properties), (all) =>
    all
      .filter((each) => each.type === "number" && meets(each.name, propertyLabel(each.name), typed))
      .slice(0, MAX_SHOWN)
      .map((each) => ({ value: each.name, label: propertyLabel(each.name), note: formatShort(each.event_count) })));
}

/** Values that the property was seen to have; a few of them. What is typed of an address is also there as browsers send it. */
export async function suggestValues(projectId: string, property: string, typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  const sent = sentAs(typed.trim(), property);
  const found = await pickedProperties(projectId, null, signal, [property], (all) =>
    (all.find((each) => each.name === property)?.example_values ?? [])
      .filter((value) => typeof value !== "object" || isNumeric(value))
      .map((value) => ({ value: String(value), label: valueLabel(value, property) }))
      .filter((each) => meets(each.value, each.label, typed)));
  return sent === null || found.some((each) => each.value === sent) ? found : [...found, { value: sent, label: typed.trim(), note: text.combobox.asSent }];
}
