import { expect, test } from "vitest";
import { flowed, inOrder, moved, nearestWidth, tilesBody } from "./tiles.ts";
import { placeOf } from "./saved.ts";

const tile = (name: string, w: number, h = 4, x = 0, y = 0) => ({ insight_id: name, title: null, layout: { x, y, w, h } });

test("tiles stand beside each other while there is room, and never overlap", () => {
  const places = flowed([tile("a", 6), tile("b", 6, 8), tile("c", 8), tile("d", 6), tile("e", 4)]).map(({ layout }) => [layout.x, layout.y]);
  expect(places).toEqual([[0, 0], [6, 0], [0, 8], [0, 12], [6, 12]]);
});

test("tiles are read from top to bottom, then from left to right", () => {
  expect(inOrder([tile("c", 6, 4, 0, 9), tile("b", 6, 4, 6, 0), tile("a", 6, 4, 0, 0)]).map((each) => each.insight_id)).toEqual(["a", "b", "c"]);
});

test("a move beyond an end stops there", () => {
  expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b", "c"], 0, -1)).toEqual(["a", "b", "c"]);
  expect(moved(["a", "b", "c"], 1, 9)).toEqual(["a", "c", "b"]);
});

test("widths that only the API takes are the nearest that can be chosen", () => {
  expect([1, 5, 7, 11, 12].map(nearestWidth)).toEqual([4, 4, 6, 12, 12]);
  expect(tilesBody([tile("a", 12)])).toEqual([{ insight_id: "a", title: null, layout: { x: 0, y: 0, w: 12, h: 4 } }]);
});

test("a saved question opens where it is asked, as it was", () => {
  const filters = [{ property: "plan", operator: "exact" as const, value: "pro" }];
  expect(placeOf({ kind: "trends", query: { events: [{ name: "buy", math: "sum", math_property: "amount", filters }], interval: "week", date_from: "-29d" } })).toEqual({
    path: "/trends",
    parameters: { e: ['{"event":"buy","filters":[["plan","exact","pro"]],"math":"sum","of":"amount"}'], interval: "week", f: [], from: "-29d", to: null, breakdown: null },
  });
  const visits = { kind: "trends" as const, query: { events: [{ name: "view" }] } };
  expect([null, "line" as const, "bar" as const].map((chart) => placeOf({ ...visits, chart }).parameters["chart"])).toEqual([undefined, undefined, "bar"]);
  expect(placeOf({ kind: "funnel", query: { steps: [{ event: "view" }, { action_id: "x1" }], conversion_window: 60, modes: ["strict_order"], filters } })).toEqual({
    path: "/funnels",
    parameters: { e: ['{"event":"view"}', '{"action":"x1"}'], window: "60s", mode: ["strict_order"], by: null, f: ['["plan","exact","pro"]'], from: null, to: null, breakdown: null },
  });
});
