import { describe, expect, it } from "vitest";
import type { Page, SvEvent } from "../api/types.ts";
import { merged, NOTHING, taken, type State } from "../pages/events/feed.ts";
import { filterOfValue, readFilter, readFilters, sentenceOf, withFilter, writeFilter } from "./filters.ts";
import { axisLabels, changeOf, dayOf, formatAverage, formatBucket, formatDuration, formatNumber, formatPercent, formatShort } from "./format.ts";
import { valueTyped } from "./names.ts";
import { isOfHours, isSettled, PRESETS, presetOf, readRange, usualInterval } from "./range.ts";

describe("filters in an address", () => {
  it("come back as they were written, whatever is in them", () => {
    for (const value of ["Chrome", "a\"b&=#%", 10, true, ["x", 2]]) {
      const filter = { property: "$.*", operator: "exact" as const, value };
      expect(readFilter(writeFilter(filter))).toEqual(filter);
    }
  });
  it("that are cut off or made up are left out", () => {
    expect(readFilters(["[\"a\",\"exa", "[\"a\",\"drop\",1]", "{}", "[\"\",\"exact\",1]", "[\"a\",\"exact\"]", "[\"a\",\"is_set\"]"])).toEqual([{ property: "a", operator: "is_set" }]);
  });
  it("replace what was said of the same property before", () => {
    expect(withFilter([filterOfValue("$os", "iOS")], filterOfValue("$os", "Linux"))).toEqual([filterOfValue("$os", "Linux")]);
    expect(filterOfValue("$os", null)).toEqual({ property: "$os", operator: "is_not_set" });
  });
});

describe("filters as sentences", () => {
  it("have the names that tables show, for whole values", () => {
    expect(sentenceOf({ property: "$country", operator: "exact", value: "DE" })).toBe("Country is Germany");
    expect(sentenceOf({ property: "$country", operator: "is_not", value: ["DE", "FR"] })).toBe("Country is not Germany or France");
    expect(sentenceOf({ property: "$country", operator: "icontains", value: "DE" })).toBe("Country contains DE");
    expect(sentenceOf({ property: "plan", operator: "exact", value: "DE" })).toBe("plan is DE");
    expect(sentenceOf({ property: "$is_bot", operator: "exact", value: true })).toBe("Is a bot is yes");
  });
  it("are typed by these names too", () => {
    expect(["germany", "United Kingdom", "Myanmar (Burma)"].map((typed) => valueTyped(typed, "$country"))).toEqual(["DE", "GB", "MM"]);
    expect(["de", "De", "xx"].map((typed) => valueTyped(typed, "$country"))).toEqual(["DE", "DE", "xx"]);
    expect([valueTyped("DE", "$country"), valueTyped("Atlantis", "$country"), valueTyped("Germany", "plan")]).toEqual(["DE", "Atlantis", "Germany"]);
  });
});

describe("dates in an address", () => {
  it("are the usual ones where they are none", () => {
    expect(readRange("<b>", null, PRESETS.week)).toEqual(PRESETS.week);
    expect(readRange("2025-01-31", "-0d", PRESETS.week)).toEqual({ from: "2025-01-31", to: "-0d" });
  });
  it("mean other days tomorrow unless they are days of the calendar", () => {
    expect(["-0d", "2025-01-31"].flatMap((from) => [null, "-1d", "2025-02-01"].map((to) => isSettled({ from, to })))).toEqual([false, false, false, false, false, true]);
  });
  it("are known again as a preset, and choose an interval", () => {
    expect(presetOf({ from: "-6d", to: null })).toBe("week");
    expect([PRESETS.day, PRESETS.today, { from: "-24h", to: "-1h" }].map(isOfHours)).toEqual([true, false, false]);
    const now = new Date("2025-06-15T12:00:00Z");
    expect([PRESETS.today, PRESETS.month, PRESETS.year].map((range) => usualInterval(range, now))).toEqual(["hour", "day", "week"]);
  });
});

describe("figures", () => {
  it("have no value where there is nothing to divide by", () => {
    expect([changeOf(3, 0), changeOf(3, 2), formatPercent(null)]).toEqual([null, 0.5, "–"]);
  });
  it("are all or nothing only where they are", () => {
    expect([0, 0.0001, 0.042, 0.42, 0.994, 0.9951, 0.99999, 1, 1.5].map(formatPercent)).toEqual(
      ["0%", "<0.1%", "4.2%", "42%", "99%", "99.5%", "99.9%", "100%", "150%"]);
  });
  it("are no row of dozens of digits, and not 0 where they are small", () => {
    expect([4e300, -1e16, 123_456_789_012_345, 0.1, 0.0042, -0.00001234, 1.005, 1e-9, -0, 0].map(formatNumber)).toEqual(
      ["4E300", "-1E16", "123,456,789,012,345", "0.1", "0.0042", "-0.0000123", "1.01", "1E-9", "0", "0"]);
    expect([4e300, 12_345, 0.001].map(formatShort)).toEqual(["4E300", "12.3K", "0.001"]);
    expect([4e300, 12.34, 0, 0.0042].map(formatAverage)).toEqual(["4E300", "12.3", "0.0", "0.0042"]);
  });
  it("say durations in two units", () => {
    expect([0, 2.5, 59, 61, 3661, 90_000].map(formatDuration)).toEqual(["0s", "2.5s", "59s", "1m 1s", "1h 1m", "1d 1h"]);
  });
  it("are of the project's timezone", () => {
    expect(["Pacific/Auckland", "America/New_York"].map((zone) => dayOf(Date.UTC(2025, 0, 31, 22), zone))).toEqual(["2025-02-01", "2025-01-31"]);
    expect(formatBucket("2025-03-02T23:00:00.000Z", "day", "Europe/Berlin")).toBe("Mar 3");
  });
  it("say beneath a chart which day an hour is of and which year a day is of, where there are many", () => {
    const every = (ms: number, count: number): string[] => Array.from({ length: count }, (_, at) => new Date(Date.UTC(2025, 0, 31, 23) + at * ms).toISOString());
    const [hour, day] = [3_600_000, 86_400_000];
    expect([axisLabels(every(hour, 24), "hour", "UTC")[1], axisLabels(every(hour, 72), "hour", "UTC")[1]]).toEqual(["00:00", "Feb 1, 00:00"]);
    expect([axisLabels(every(day, 90), "day", "UTC")[0], axisLabels(every(7 * day, 60), "week", "UTC")[0]]).toEqual(["Jan 31", "Jan 31, 2025"]);
    expect(axisLabels([], "day", "UTC")).toEqual([]);
  });
});

describe("the list of events", () => {
  const row = (id: string, timestamp: string): SvEvent => ({ id, timestamp }) as SvEvent;
  it("shows each once, newest first, and no more than it keeps", () => {
    const known = [row("b", "2025-01-02T00:00:00Z"), row("a", "2025-01-01T00:00:00Z")];
    expect(merged([row("c", "2025-01-03T00:00:00Z"), row("b", "2025-01-02T00:00:00Z")], known, 2).map((each) => each.id)).toEqual(["c", "b"]);
  });
  const at = (minute: number): string => new Date(Date.UTC(2025, 0, 1, 0, minute)).toISOString();
  const page = (next: string | null, ...rows: SvEvent[]): Page<SvEvent> => ({ data: rows, meta: { next_cursor: next, has_more: next !== null } });
  const shown = (state: State): unknown => [state.rows.map((each) => each.id).join(""), state.fresh.map((each) => each.id).join(""), state.cursor];
  const known: State = { ...NOTHING, rows: [row("b", at(2)), row("a", at(1))], cursor: "below a" };
  it("grows at its head as long as the newest join on to it", () => {
    expect(shown(taken(known, page("below b", row("c", at(3)), row("b", at(2))), true))).toEqual(["cba", "", "below a"]);
    expect(shown(taken(known, page(null), true))).toEqual(["ba", "", "below a"]);
  });
  it("begins anew where more came than one answer has, so that none is missing in between", () => {
    const many = page("below y", row("z", at(9)), row("y", at(8)));
    expect(shown(taken(known, many, true))).toEqual(["zy", "", "below y"]);
    expect(shown(taken({ ...NOTHING, rows: [] }, many, true))).toEqual(["zy", "", "below y"]);
    const paused = taken(known, many, false);
    expect(shown(paused)).toEqual(["ba", "zy", "below a"]);
    expect(shown(taken(taken(paused, page("below z", row("Z", at(10)), row("z", at(9))), false), page("below z", row("Z", at(10)), row("z", at(9))), true))).toEqual(["Zz", "", "below z"]);
  });
  it("is not joined on to by an event of a clock that is ahead", () => {
    const ahead = row("f", new Date(Date.now() + 3_600_000).toISOString());
    expect(shown(taken({ ...known, rows: [ahead, ...known.rows] }, page("below z", ahead, row("z", at(9))), true))).toEqual(["fz", "", "below z"]);
  });
});
