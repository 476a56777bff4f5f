import { describe, expect, it } from "vitest";
import { nameOf, segmentOf } from "./path.ts";

describe("a name in a path", () => {
  it("comes back as it was, and no browser resolves it", () => {
    for (const name of [".", "..", "...", "=.", "=..", "=", "a/b", "%2F", "%", "é", "\u202e", "a b"]) {
      const { pathname } = new URL(`/persons/${segmentOf(name)}/events`, "https://a.example");
      const [, before, segment, after, ...rest] = pathname.split("/");
      expect([before, nameOf(segment ?? ""), after, rest]).toEqual(["persons", name, "events", []]);
    }
  });
  it("that somebody typed is what it looks like", () => {
    expect(["100%", "a+b", "=x"].map(nameOf)).toEqual(["100%", "a+b", "=x"]);
  });
});
