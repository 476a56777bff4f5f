// Whatever stands in whichever field of a recording, the rest of it is played.
import { expect, it } from "vitest";
import { cleanEvents } from "./clean.ts";

const element = {
  type: 2, id: 4, tagName: "p", attributes: { style: { color: "red", top: ["1px", "important"] }, id: "a", src: "x" }, isSVG: true, isShadow: true, rootId: 1,
  childNodes: [{ type: 3, id: 5, textContent: "x", isStyle: true }],
};
const changes = [
  { source: 0, adds: [{ parentId: 3, nextId: null, node: element }], removes: [{ id: 1, parentId: 2 }], texts: [{ id: 5, value: "x" }], attributes: [{ id: 4, attributes: { style: { color: "x" } } }] },
  { source: 1, positions: [{ x: 1, y: 1, id: 3, timeOffset: -5 }] },
  { source: 4, width: 1, height: 1 },
  { source: 8, id: 6, adds: [{ rule: "a{}", index: 0 }], replace: "x" },
  { source: 13, id: 6, index: [0], set: { property: "a", value: "b" } },
  { source: 15, id: 1, styles: [{ styleId: 1, rules: [{ rule: "a{}", index: 0 }] }], styleIds: [1] },
];
const events: unknown = [
  { type: 4, timestamp: 1, data: { width: 1, height: 2 } },
  { type: 2, timestamp: 2, data: { node: { type: 0, id: 1, childNodes: [{ type: 2, id: 3, tagName: "html", attributes: {}, childNodes: [element] }] }, initialOffset: { top: 0, left: 0 } } },
  ...changes.map((data, at) => ({ type: 3, timestamp: 3 + at, data })),
];

let deep: unknown = 1;
for (let level = 0; level < 20_000; level++) deep = [deep];
const ODD: readonly unknown[] = [null, -1e308, "__proto__", [[]], deep, { toString: 1, valueOf: 1 }];

type Path = readonly string[];

function pathsIn(value: unknown, at: Path = []): Path[] {
  return typeof value === "object" && value !== null ? Object.entries(value).flatMap(([key, inner]) => [[...at, key], ...pathsIn(inner, [...at, key])]) : [];
}

function withOdd(value: unknown, [key, ...rest]: Path, odd: unknown): unknown {
  if (key === undefined) return odd;
  const inner = withOdd((value as Record<string, unknown>)[key], rest, odd);
  return Array.isArray(value) ? value.with(Number(key), inner) : { ...(value as object), [key]: inner };
}

const last = { type: 3, timestamp: 99, data: { source: 3, id: 1, x: 0, y: 0 } };
const first = (events as unknown[])[1];

it("an odd value in a field costs nothing but what it stands in", () => {
  const all = pathsIn(events);
  expect(all.length).toBeGreaterThan(100);
  for (const path of all) {
    for (const odd of ODD) expect(cleanEvents([[first], withOdd(events, path, odd), [last]]).at(-1)?.timestamp, path.join(".")).toBe(99);
  }
});
