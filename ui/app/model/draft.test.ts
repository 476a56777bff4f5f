import { describe, expect, it } from "vitest";
import type { SmartRule } from "../api/types.ts";
import { changesOf, NO_DRAFT, readDraft, readRule, takenIn, writeDraft, writeRule } from "./draft.ts";
import { rangeLabel } from "./range.ts";
import { NO_RULE } from "./rules.ts";
import { dated } from "./saved.ts";

const RULE: SmartRule = {
  event: "$click", url: "/a?b=\"&#%", url_match: "contains", selector: "form > #buy", text: "Buy",
  filters: [{ property: "plan", operator: "exact", value: ["pro", 2] }, { property: "x", operator: "is_not_set" }],
};

function through(draft: Parameters<typeof writeDraft>[0], saved = NO_DRAFT): ReturnType<typeof readDraft> {
  const { name, description, r } = writeDraft(draft, saved);
  const query = new URLSearchParams([...(name === null ? [] : [["name", name]]), ...(description === null ? [] : [["description", description]]), ...r.map((each) => ["r", each])]);
  return readDraft(query, saved);
}

describe("a smart event in an address", () => {
  it("comes back as it was written, whatever is in it", () => {
    const draft = { name: "<b>&", description: "", rules: [RULE, { ...NO_RULE, event: "buy" }] };
    expect(through(draft)).toEqual(draft);
  });
  it("says only what was changed of a saved one", () => {
    const saved = { name: "Buys", description: "x", rules: [RULE] };
    expect(writeDraft(saved, saved)).toEqual({ name: null, description: null, r: [] });
    expect(through({ ...saved, description: "" }, saved)).toEqual({ ...saved, description: "" });
  });
  it("that was cut off or made up is left out", () => {
    expect([writeRule(RULE).slice(0, 40), "[]", "{}", "{\"event\":1}", "{\"filters\":[[\"a\",\"drop\",1]]}", "null"].map(readRule)).toEqual([null, null, null, null, null, null]);
  });
  it("is left out where it makes an address longer than messengers send", () => {
    expect(writeDraft({ ...NO_DRAFT, rules: [{ ...NO_RULE, url: "é".repeat(2000) }] }, NO_DRAFT).r).toEqual([]);
  });
});

describe("a smart event that others change too", () => {
  const saved = { name: "Buys", description: "x", rules: [RULE] };
  const other = { name: "Bought", description: "y", rules: [{ ...NO_RULE, event: "buy" }] };
  it("is told of what was changed here alone", () => {
    expect(changesOf(saved, saved)).toEqual({});
    expect(changesOf({ ...saved, name: " Sales " }, saved)).toEqual({ name: "Sales" });
    expect(changesOf({ ...saved, description: "", rules: [...saved.rules, { ...NO_RULE, text: "Buy" }] }, saved)).toMatchObject({ description: "", rules: [{ event: "$click" }, { text: "Buy" }] });
  });
  it("is shown as they left it, but for what was changed here", () => {
    expect(takenIn(saved, saved, other)).toEqual(other);
    expect(takenIn({ ...saved, name: "Sales" }, saved, other)).toEqual({ ...other, name: "Sales" });
    expect(takenIn({ ...saved, rules: other.rules }, saved, saved)).toEqual({ ...saved, rules: other.rules });
  });
});

describe("an insight of other dates", () => {
  const now = new Date("2025-06-15T12:00:00Z");
  const trends = { query: { events: [{ name: "buy" }], interval: "hour", date_from: "2025-01-01", date_to: "2025-01-02" } };
  it("keeps its interval as long as the server answers that many pieces", () => {
    expect(dated(trends, { from: "-6d", to: null }, now).query).toEqual({ events: [{ name: "buy" }], interval: "hour", date_from: "-6d" });
    expect(dated(trends, { from: "-12mo", to: null }, now).query).toMatchObject({ interval: "week", date_from: "-12mo" });
  });
  it("is asked as before but for the dates", () => {
    const funnel = { query: { steps: [{ event: "a" }], conversion_window: "7d" } };
    expect(dated(funnel, { from: "2025-06-01", to: "2025-06-02" }, now).query).toEqual({ ...funnel.query, date_from: "2025-06-01", date_to: "2025-06-02" });
  });
});

describe("dates", () => {
  it("are said in words", () => {
    const label = (from: string, to: string | null = null): string => rangeLabel({ from, to });
    expect([label("-2d"), label("-6d"), label("-1h"), label("-3w"), label("-2d", "-1d"), label("-14d", "-7d"), label("2025-01-31")]).toEqual([
      "Last 3 days", "Last 7 days", "Last hour", "Last 3 weeks", "2 days ago – Yesterday", "14 days ago – 7 days ago", "Since Jan 31, 2025",
    ]);
  });
});
