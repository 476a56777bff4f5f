import { describe, expect, it } from "vitest";
import { csvOf, curlOf } from "./export.ts";
import { isWhole, NOTHING, readAllWanted, readWanted, seriesBody, stepBody, writeWanted, type Wanted } from "./query.ts";

const whole: Wanted = {
  event: "\"buy\" & <b>", actionId: null, filters: [{ property: "$.*", operator: "exact", value: ["a", 1] }], math: "p95", mathProperty: "amount",
};

describe("an event of an insight in an address", () => {
  it("comes back as it was written", () => {
    for (const wanted of [whole, NOTHING, { ...NOTHING, actionId: "k3x0" }]) expect(readWanted(writeWanted(wanted))).toEqual(wanted);
  });
  it("that is cut off or made up is left out, and so is what is wrong in it", () => {
    expect(readAllWanted(["{\"ev", "7", "null", "[]", "{\"event\":7,\"math\":\"most\",\"filters\":[[\"a\"],3]}"], 10)).toEqual([NOTHING]);
    expect(readAllWanted(["{}", "{}", "{}"], 2)).toHaveLength(2);
  });
  it("is asked for as the API takes it", () => {
    expect(seriesBody(whole)).toEqual({ name: whole.event, math: "p95", math_property: "amount", filters: whole.filters });
    expect(stepBody({ ...NOTHING, actionId: "k3x0" })).toEqual({ action_id: "k3x0" });
    expect([isWhole(NOTHING), isWhole({ ...whole, mathProperty: null }), isWhole(whole)]).toEqual([false, false, true]);
  });
});

describe("an answer taken elsewhere", () => {
  it("is a table in which no text is a formula", () => {
    expect(csvOf([["a,b", "say \"x\"", null, -1.5], ["=1+1", "@x", "-x", "+x"]])).toBe("\"a,b\",\"say \"\"x\"\"\",,-1.5\r\n'=1+1,'@x,'-x,'+x\r\n");
  });
  it("is a command whose shell takes the question as it is", () => {
    expect(curlOf("http://a", "/p", { name: "it's $HOME `x`" })).toContain("-d '{\"name\":\"it'\\''s $HOME `x`\"}'");
  });
});
