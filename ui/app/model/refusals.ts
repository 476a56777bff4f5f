// What the server refused of a form, by the API's names: to which field of the form each message belongs.
import { ApiFault, type Detail } from "../api/client.ts";

const isWithin = (field: string, name: string): boolean => field === name || field.startsWith(`${name}.`) || field.startsWith(`${name}[`);

/** The name, among those that a form has fields for, that is nearest to what the API named; null where none is. */
export function ownerOf(field: string, names: Iterable<string>): string | null {
  let found: string | null = null;
  for (const name of names) if (isWithin(field, name) && name.length > (found?.length ?? -1)) found = name;
  return found;
}

/** A form that sends several requests names the fields of one of them after its part: `name` of `dashboard` is `dashboard.name`. */
export async function ofPart<T>(part: string, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    const details = error.details.map((each) => ({ ...each, field: `${part}.${each.field}` }));
    throw new ApiFault(error.status, error.code, error.message, details, error.retryAfterS);
  }
}

/** Of an answer about some of a list, as they stand in the whole: `places[0]` is where the first of them is. */
export function inPlace(details: readonly Detail[], list: string, places: readonly number[]): Detail[] {
  const start = `${list}[`;
  return details.map((each) => {
    if (!each.field.startsWith(start)) return each;
    const end = each.field.indexOf("]");
    const place = places[Number(each.field.slice(start.length, end))];
    return place === undefined ? each : { ...each, field: `${start}${place}${each.field.slice(end)}` };
  });
}
