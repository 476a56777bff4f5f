// Addresses as people read them: `/straße` for `/stra%C3%9Fe`. For the eye alone: filters, links and files keep what was sent.

/** One character as UTF-8, percent-encoded. What is no character stays as it is, and so does what was never encoded. */
const ENCODED = /%[2-7][\da-f]|%[cd][\da-f]%[89ab][\da-f]|%e[\da-f](?:%[89ab][\da-f]){2}|%f[0-7](?:%[89ab][\da-f]){3}/gi;
/** Decoded they would part an address otherwise, or be taken for the beginning of what is encoded. */
const DELIMITERS = "%/?#&=+;:@,$";
/** An emoji's colour and the joint within a Persian word, which belong there; or, caught, what shows nothing, or turns round what is beside it. */
const UNSEEN = /(?<=\p{Extended_Pictographic})\uFE0F|(?<=\p{Script=Arabic})\u200C(?=\p{Script=Arabic})|(\p{C}|\p{Default_Ignorable_Code_Point}|[\p{Zl}\p{Zp}]|(?! )\p{Zs}|^ | (?= |$)|(?<![\p{L}\p{M}\p{N}])\p{M}|[\u2044\u2215\u29F8\uFF0F])/gu;

const encoded = (character: string): string => encodeURIComponent(character.replace(/\p{Cs}/u, "\uFFFD"));

function decoded(sequence: string): string {
  try {
    const character = decodeURIComponent(sequence);
    return DELIMITERS.includes(character) ? sequence : character;
  } catch {
    return sequence; // no UTF-8: another charset, or made up
  }
}

/** Two addresses that differ may read the same; their titles tell them apart. */
export function readable(address: string): string {
  return address.replace(ENCODED, decoded).replace(UNSEEN, (all, unseen: string | undefined) => (unseen === undefined ? all : encoded(unseen)));
}

const PROPERTIES: readonly (string | null | undefined)[] = ["$current_url", "$entry_page", "$exit_page", "$referrer"];

/** Whether a property's value is an address: those of pages are by their name, others where they look like one. */
export const isAddress = (value: string, property?: string | null): boolean => PROPERTIES.includes(property) || /^https?:\/\//i.test(value);

/** A property's value, readable if it is an address. */
export const addressLabel = (value: string, property?: string | null): string => (isAddress(value, property) ? readable(value) : value);

/** As browsers send what was typed; null where that is just as it was typed, or it is no address. */
export function sentAs(typed: string, property: string): string | null {
  if (!isAddress(typed, property) || /\p{Cs}/u.test(typed)) return null;
  const sent = encodeURI(typed).replace(/%25(?=[\da-f]{2})/gi, "%").replace(/%5[bd]/gi, decodeURIComponent);
  return sent === typed ? null : sent;
}

/** The path of a URL, with its query, to be read; what is none is shown as it is. */
export function pathOfUrl(url: string | null): string | null {
  if (url === null) return null;
  const found = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^#]*)/i.exec(url);
  return readable(found ? found[1] || "/" : url);
}
