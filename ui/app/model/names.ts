// What people read for the names that the clients send: the usual ones have a word, all others are shown as they are.
import { text } from "../text/en.ts";
import type { Json, Person } from "../api/types.ts";
import { addressLabel, isAddress } from "./addresses.ts";
import { isNumeric } from "./json.ts";

export function propertyLabel(name: string): string {
  return Object.hasOwn(text.properties, name) ? (text.properties[name] ?? name) : name;
}

export function eventLabel(name: string): string {
  return Object.hasOwn(text.events, name) ? (text.events[name] ?? name) : name;
}

const regions = new Intl.DisplayNames(["en"], { type: "region" });

export function countryLabel(code: string): string {
  try {
    return regions.of(code) ?? code;
  } catch {
    return code; // whatever somebody sent as $country
  }
}

let codes: Map<string, string> | null = null;

/** The code of the country that has this name or code, in whatever case. */
function countryOf(typed: string): string | undefined {
  const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  // Codes that were given up have the name of what came after them, whose code is meant.
  const isCurrent = (code: string): boolean => countryLabel(code) !== code && new Intl.Locale(`und-${code}`).region === code;
  codes ??= new Map(letters.flatMap((one) => letters.map((other) => one + other)).filter(isCurrent).flatMap((code) => [[countryLabel(code).toLowerCase(), code], [code.toLowerCase(), code]]));
  return codes.get(typed.toLowerCase());
}

/** The value that is meant by what somebody typed, who may know it by the name that is shown for it. */
export function valueTyped(typed: string, property: string): string {
  return (property === "$country" && countryOf(typed)) || typed;
}

/** What everybody has, though it may not be known of them. */
const HAD_BY_ALL = ["$country", "$device_type", "$browser", "$os"];

/** A property's value as text; `$other` is what the API calls the rest of a breakdown. */
export function valueLabel(value: Json | undefined, property?: string | null): string {
  if (value === null && property && HAD_BY_ALL.includes(property)) return text.value.unknown;
  if (value === null || value === undefined || value === "") return text.value.none;
  if (typeof value === "boolean") return value ? text.value.true : text.value.false;
  if (typeof value === "string") {
    if (value === "$other") return text.value.other;
    return property === "$country" ? countryLabel(value) : addressLabel(value, property);
  }
  return isNumeric(value) ? String(value) : JSON.stringify(value);
}

/** The same for a title, which has an address as it was sent. */
export const valueTitle = (value: Json | undefined, property?: string | null): string =>
  typeof value === "string" && value !== "" && isAddress(value, property) ? value : valueLabel(value, property);

/** The browser, system, device and country of a session or a person, as far as known. */
export function withWhat(from: Partial<Record<"browser" | "os" | "device_type" | "country", string | null>>): string {
  return [from.browser, from.os, from.device_type, from.country && countryLabel(from.country)].filter(Boolean).join(" · ");
}

/** What people call a person: the name or e-mail among the traits, else the id. */
export function personLabel({ distinct_id, properties }: Pick<Person, "distinct_id" | "properties">): string {
  return [properties["name"], properties["email"]].find((value): value is string => typeof value === "string" && value.trim() !== "") ?? distinct_id;
}
