import { describe, expect, it } from "vitest";
import { changeOf } from "../pages/settings/audit.tsx";
import { funnels } from "./funnels.ts";
import { preview } from "./smart.ts";

describe("what is said", () => {
  it("is of one or of many", () => {
    expect(["1", "2"].flatMap((count) => [funnels.counts.person(count), funnels.counts.session(count)])).toEqual(["1 person", "1 session", "2 persons", "2 sessions"]);
  });
  it("goes on within a sentence, where a month is a name all the same", () => {
    expect([preview.count("1", true, "Last 7 days"), preview.count("2", false, "Nov 1, 2026 – Nov 2, 2026")]).toEqual(["1 event, last 7 days", "2 events, Nov 1, 2026 – Nov 2, 2026"]);
  });
  it("is in the files of this folder alone", () => {
    const parts = import.meta.glob<string>("../**/*.tsx", { query: "?raw", import: "default", eager: true });
    expect(Object.keys(parts).length).toBeGreaterThan(50);
    const said = Object.entries(parts).flatMap(([name, source]) =>
      [...source.matchAll(/>[^<>{}=;()]*\p{L}{3,}[^<>{}=;()]*<\/|\b(?:aria-label|label|title|placeholder|alt|hint)="[^"]*\p{L}{3,}/gu)].map(([found]) => `${name}: ${found}`));
    expect(said).toEqual([]);
  });
  it("of a change leaves out what was empty and is", () => {
    expect(changeOf({ before: null, after: { name: "a", description: "" } })).toBe("name: a");
    expect(changeOf({ before: { description: "b" }, after: { description: "" } })).toBe("description: b → –");
  });
});
