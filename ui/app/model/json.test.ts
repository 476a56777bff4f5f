import { describe, expect, it } from "vitest";
import { Exact, isNumeric, parseJson, readList, readNumber, readObject } from "./json.ts";

describe("whole numbers of 64 bits", () => {
  const long = new Exact("1234567890123456789");
  it("count as the nearest number and are shown with all their digits", () => {
    expect([Number(long) === 1234567890123456800, isNumeric(long), String(long), `${long}`]).toEqual([true, true, "1234567890123456789", "1234567890123456789"]);
  });
  it("are read as they are typed", () => {
    expect(["-0012345678901234567890", "1234567890123456789"].map((typed) => String(readNumber(typed)))).toEqual(["-12345678901234567890", "1234567890123456789"]);
    expect(["10", " 1.5 ", "1e300", "-0", "", "x", "1e999", "0x"].map(readNumber)).toEqual([10, 1.5, 1e300, -0, null, null, null, null]);
  });
  it("leave all else as it was", () => {
    const text = '{"a":[1,-2.5,1e300,9007199254740991],"b":"1234567890123456789","c":{"d":null,"e":1234567890.1234567890}}';
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });
});

describe("a part of an address", () => {
  it("says a list or an object, or nothing", () => {
    expect(readList('["plan",1]')).toEqual(["plan", 1]);
    expect(readObject('{"event":"a"}')).toEqual({ event: "a" });
    for (const text of ["", "null", "1", '"a"', '["a"', "[}"]) expect([readList(text), readObject(text)]).toEqual([null, null]);
    expect([readList("{}"), readObject("[]")]).toEqual([null, null]);
  });
});
