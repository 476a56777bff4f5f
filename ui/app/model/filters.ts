// Filters as the address writes them (`f=["$browser","exact","Chrome"]`, once each), as the API takes them, and as a sentence, by the names that tables show.
import { OPERATORS, type Filter, type FilterScalar, type Operator } from "../api/types.ts";
import { text } from "../text/en.ts";
import { isNumeric, readList } from "./json.ts";
import { propertyLabel, valueLabel } from "./names.ts";

export const MAX_FILTERS = 50;
const WITHOUT_VALUE: readonly Operator[] = ["is_set", "is_not_set"];
export const takesValue = (operator: Operator): boolean => !WITHOUT_VALUE.includes(operator);

const isScalar = (value: unknown): value is FilterScalar => ["string", "boolean"].includes(typeof value) || isNumeric(value);
const isOperator = (value: unknown): value is Operator => OPERATORS.includes(value as Operator);

export function writeFilter(filter: Filter): string {
  const parts: unknown[] = [filter.property, filter.operator];
  if (filter.value !== undefined) parts.push(filter.value);
  return JSON.stringify(parts);
}

/** The filter that a part of an address says, or null. */
export function readFilter(written: string): Filter | null {
  const parts = readList(written);
  if (parts === null) return null;
  const [property, operator, value] = parts;
  if (typeof property !== "string" || property === "" || !isOperator(operator)) return null;
  if (!takesValue(operator)) return { property, operator };
  if (isScalar(value)) return { property, operator, value };
  if (Array.isArray(value) && value.length > 0 && value.every(isScalar)) return { property, operator, value };
  return null;
}

export function readFilters(written: readonly string[]): Filter[] {
  return written.map(readFilter).filter((filter) => filter !== null).slice(0, MAX_FILTERS);
}

const same = (one: Filter, other: Filter): boolean => writeFilter(one) === writeFilter(other);

/** With one more, which takes the place of what was said of the same property by the same comparison. */
export function withFilter(filters: readonly Filter[], added: Filter): Filter[] {
  return [...filters.filter((each) => !(each.property === added.property && each.operator === added.operator)), added];
}

export function withoutFilter(filters: readonly Filter[], removed: Filter): Filter[] {
  return filters.filter((each) => !same(each, removed));
}

/** What a row of a table means as a filter: its value, or that there is none. */
export function filterOfValue(property: string, value: string | null): Filter {
  return value === null ? { property, operator: "is_not_set" } : { property, operator: "exact", value };
}

export function sentenceOf(filter: Filter): string {
  const start = `${propertyLabel(filter.property)} ${text.filter.operators[filter.operator]}`;
  if (filter.value === undefined) return start;
  const values = Array.isArray(filter.value) ? filter.value : [filter.value];
  const isWhole = filter.operator === "exact" || filter.operator === "is_not"; // a part of a value, or a number's bound, has no name
  return `${start} ${text.filter.joined(values.map((value) => (isWhole ? valueLabel(value, filter.property) : String(value))))}`;
}
