import { describe, expect, it } from "vitest";
import { filterOfValue, writeFilter } from "./filters.ts";
import { valueLabel } from "./names.ts";

describe("a value that isn't there", () => {
  it("isn't known where everybody has one, and is none elsewhere", () => {
    expect(["$country", "$device_type", "$browser", "$os"].map((property) => valueLabel(null, property))).toEqual(Array(4).fill("Not known"));
    expect([valueLabel(null, "utm_source"), valueLabel(null), valueLabel("", "$country")]).toEqual(["(none)", "(none)", "(none)"]);
  });
  it("is asked for as one that isn't set", () => {
    expect(writeFilter(filterOfValue("$country", null))).toBe('["$country","is_not_set"]');
  });
});
