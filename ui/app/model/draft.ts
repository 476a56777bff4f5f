// A smart event that isn't saved yet, as the address has it: `name`, `description` and a rule in each `r`. What is as it was saved isn't said,
// so that the address of a saved one is short; what can't be read, because the address was cut off or made up, is left out.
import { URL_MATCHES, type SmartRule } from "../api/types.ts";
import { MAX_FILTERS, readFilter, writeFilter } from "./filters.ts";
import { parseJson, readObject, textOr } from "./json.ts";
import { MAX_RULES, NO_RULE, ruleBody, saysSomething } from "./rules.ts";

export interface Draft {
  name: string;
  description: string;
  rules: readonly SmartRule[];
}

/** Servers and messengers cut longer addresses off: rather none than a part. */
const MAX_CHARS = 6000;

export function writeRule(rule: SmartRule): string {
  const filters = rule.filters.map((filter) => parseJson(writeFilter(filter)));
  return JSON.stringify({ ...ruleBody(rule), ...(filters.length > 0 && { filters }) });
}

export function readRule(written: string): SmartRule | null {
  const said = readObject(written);
  if (said === null) return null;
  const filters = (Array.isArray(said["filters"]) ? said["filters"] : []).map((each) => readFilter(JSON.stringify(each)));
  const url = textOr(said["url"]);
  const rule: SmartRule = {
    event: textOr(said["event"]),
    filters: filters.filter((filter) => filter !== null).slice(0, MAX_FILTERS),
    url,
    url_match: url === null ? null : (URL_MATCHES.find((each) => each === said["url_match"]) ?? "exact"),
    selector: textOr(said["selector"]),
    text: textOr(said["text"]),
  };
  return saysSomething(rule) ? rule : null;
}

const areSame = (rules: readonly SmartRule[], others: readonly SmartRule[]): boolean =>
  JSON.stringify(rules.filter(saysSomething).map(writeRule)) === JSON.stringify(others.filter(saysSomething).map(writeRule));

/** What a draft changes of what is saved, as the API takes it. */
export function changesOf(draft: Draft, saved: Draft): { name?: string; description?: string; rules?: Record<string, unknown>[] } {
  const [name, description] = [draft.name.trim(), draft.description.trim()];
  return {
    ...(name !== saved.name && { name }),
    ...(description !== saved.description && { description }),
    ...(!areSame(draft.rules, saved.rules) && { rules: draft.rules.map(ruleBody) }),
  };
}

/** A draft of what was saved, when that is another by now: with what it doesn't change as it is now. */
export function takenIn(draft: Draft, saved: Draft, now: Draft): Draft {
  const changes = changesOf(draft, saved);
  return {
    name: "name" in changes ? draft.name : now.name,
    description: "description" in changes ? draft.description : now.description,
    rules: "rules" in changes || areSame(draft.rules, now.rules) ? draft.rules : now.rules,
  };
}

/** As the parameters of an address; saved: what needn't be said. */
export function writeDraft(draft: Draft, saved: Draft): { name: string | null; description: string | null; r: string[] } {
  const rules = draft.rules.filter(saysSomething).map(writeRule);
  const isTooLong = rules.reduce((chars, each) => chars + encodeURIComponent(each).length, 0) > MAX_CHARS;
  return {
    name: draft.name === saved.name ? null : draft.name,
    description: draft.description === saved.description ? null : draft.description,
    r: areSame(draft.rules, saved.rules) || isTooLong ? [] : rules,
  };
}

/** The saved one with what an address changes of it. */
export function readDraft(query: URLSearchParams, saved: Draft): Draft {
  const rules = query.getAll("r").map(readRule).filter((rule) => rule !== null).slice(0, MAX_RULES);
  return { name: query.get("name") ?? saved.name, description: query.get("description") ?? saved.description, rules: rules.length > 0 ? rules : saved.rules };
}

export const NO_DRAFT: Draft = { name: "", description: "", rules: [NO_RULE] };
