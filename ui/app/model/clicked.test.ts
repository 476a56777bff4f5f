import { describe, expect, it } from "vitest";
import type { Json } from "../api/types.ts";
import { ruleOf } from "./clicked.ts";

const selectorOf = (...elements: Json[]): string | null | undefined => ruleOf({ event: "$click", properties: { $elements: elements } })?.selector;

describe("a rule of what was clicked", () => {
  it("means the button around its picture, by what it is called", () => {
    const elements = [{ tag: "svg" }, { tag: "BUTTON", id: "buy", classes: ["btn"], text: "Buy now" }, { tag: "main", id: "shop" }];
    expect(ruleOf({ event: "$click", properties: { $elements: elements } })).toMatchObject({ event: "$click", selector: "BUTTON#buy", text: "Buy now", url: null, filters: [] });
  });

  it("says without an id its classes, and what it is in", () => {
    expect(selectorOf({ tag: "div" }, { tag: "a", classes: ["a", "b", "c", "d"] }, { tag: "p" }, { tag: "nav", id: "top" }, { tag: "body", id: "b" })).toBe("#top a.a.b.c");
    expect(selectorOf({ tag: "span" }, { tag: "div" })).toBe("span");
    expect(selectorOf({ tag: "i" }, { tag: "div", attributes: { role: "tab" }, classes: ["x"] })).toBe("div.x");
  });

  it("writes what a selector reads otherwise with a backslash", () => {
    expect(selectorOf({ tag: "a", classes: ["md:flex", "w-1/2", "é"] })).toBe("a.md\\:flex.w-1\\/2.é");
    expect(selectorOf({ tag: "a", id: "1 -" })).toBe("a#\\31 \\20 -");
    expect(selectorOf({ tag: "a", id: "-😀" })).toBe("a#\\-😀");
    expect(selectorOf({ tag: "a", id: ":".repeat(600) })).toBe("a");
  });

  it("is none where no element is told of", () => {
    for (const elements of [[], "a", null, [1, null, { id: "x" }], [{ tag: "" }]]) expect(ruleOf({ event: "e", properties: { $elements: elements } })).toBeNull();
    expect(ruleOf({ event: "e", properties: {} })).toBeNull();
  });
});
