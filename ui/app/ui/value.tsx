// A property's value, whole; an address is readable, and in the title as it was sent. Its direction is its own.
import type { JSX } from "preact";
import type { Json } from "../api/types.ts";
import { valueLabel, valueTitle } from "../model/names.ts";

export function Value({ of: value, property }: { of: Json; property: string }): JSX.Element {
  const [label, title] = [valueLabel(value, property), valueTitle(value, property)];
  return <bdi title={title === label ? undefined : title}>{label}</bdi>;
}
