// Rules of a smart event: as a form has them, as the API takes them, and as a sentence.
import type { SmartRule } from "../api/types.ts";
import { ruleParts as text } from "../text/smart.ts";
import { readable } from "./addresses.ts";
import { sentenceOf } from "./filters.ts";
import { eventLabel } from "./names.ts";

export const MAX_RULES = 20;
export const NO_RULE: SmartRule = { event: null, filters: [], url: null, url_match: null, selector: null, text: null };

/** Whether it says anything: the API refuses a rule that doesn't. */
export const saysSomething = ({ event, filters, url, selector, text: words }: SmartRule): boolean =>
  Boolean(event || url || selector || words?.trim()) || filters.length > 0;

/** Without what says nothing. */
export function ruleBody({ event, filters, url, url_match, selector, text: words }: SmartRule): Record<string, unknown> {
  return {
    ...(event && { event }),
    ...(filters.length > 0 && { filters }),
    ...(url && { url, url_match: url_match ?? "exact" }),
    ...(selector && { selector }),
    ...(words?.trim() && { text: words }),
  };
}

export function ruleSentence({ event, filters, url, url_match, selector, text: words }: SmartRule): string {
  return [
    event === null ? text.any : eventLabel(event),
    ...(url === null ? [] : [text.url[url_match ?? "exact"], url_match === "regex" ? url : readable(url)]),
    ...(selector === null ? [] : [text.on, selector]),
    ...(words === null ? [] : [text.text(words)]),
    ...(filters.length === 0 ? [] : [text.where, filters.map(sentenceOf).join(text.and)]),
  ].join(" ");
}
