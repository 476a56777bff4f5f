import { describe, expect, it, vi } from "vitest";

vi.mock("uplot", () => ({ default: class {} }));
vi.mock("uplot/dist/uPlot.min.css", () => ({}));
vi.mock("../style/chart.css", () => ({}));
vi.mock("../state/theme.ts", () => ({ paints: { value: 0 } }));

const { stacked, valueRange, WHOLE_STEPS } = await import("./chart.tsx");

const { areCounts } = await import("../pages/trends/lines.ts");
type Named = import("../pages/trends/lines.ts").Named;

describe("values beneath 0", () => {
  it("are within what a chart shows, and so is 0", () => {
    expect([valueRange(-50, 100), valueRange(-50, -10), valueRange(10, 100)]).toEqual([[-54, 108], [-54, 0], [0, 108]].map((each) => each.map((value) => expect.closeTo(value))));
    expect([valueRange(0, 0), valueRange(null, null)]).toEqual([[0, 1], [0, 1]]);
  });
  it("hang as bars beneath each other, and hide none that stand", () => {
    expect(stacked([{ values: [5, -1, null] }, { values: [-3, -2, 4] }, { values: [2, 7, 1] }])).toEqual([[5, -1, 0], [-3, -3, 4], [7, 7, 5]]);
  });
});

describe("an axis of counts", () => {
  it("has steps that are whole, beginning with 1", () => {
    expect(WHOLE_STEPS.slice(0, 8)).toEqual([1, 2, 5, 10, 20, 25, 50, 100]);
    expect(WHOLE_STEPS.filter((step, at) => !Number.isSafeInteger(step) || step <= (WHOLE_STEPS[at - 1] ?? 0)).filter((step) => step < 1e15)).toEqual([]);
  });
  it("is one of events, persons and sessions, and not of sums or averages", () => {
    const of = (...maths: string[]): boolean => areCounts(maths.map((math) => ({ series: { math } }) as Named));
    expect([of("total"), of("unique_persons", "unique_sessions"), of("total", "sum"), of("avg"), of("per_session")]).toEqual([true, true, false, false, false]);
  });
});
