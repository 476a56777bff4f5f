import { describe, expect, it } from "vitest";
import { addressLabel, pathOfUrl, readable, sentAs } from "./addresses.ts";
import { filterOfValue, sentenceOf, writeFilter } from "./filters.ts";

describe("addresses", () => {
  it("read as they are written by people", () => {
    const read = {
      "/stra%C3%9Fe": "/straße", "/%e6%97%a5%e6%9c%ac?q=%D7%A9%D7%9C%D7%95%D7%9D": "/日本?q=שלום", "/a%20b/%5Bid%5D": "/a b/[id]", "/%F0%9F%98%80": "/😀",
      "/%E2%9D%A4%EF%B8%8F": "/❤\uFE0F", "/%D9%85%DB%8C%E2%80%8C%D8%B4%D9%88%D8%AF": "/می\u200Cشود", "/u%CC%88ber": "/u\u0308ber", "/straße": "/straße",
    };
    expect(Object.keys(read).map(readable)).toEqual(Object.values(read));
  });
  it("keep what would mean another address", () => {
    for (const address of ["/a%2Fb", "/100%25", "/%2541", "/a%3Fb%23c", "/?u=https%3A%2F%2Fa.example%2F&p=a%26b%3D1%2B1"]) expect(readable(address)).toBe(address);
  });
  it("keep what is no character, beside what is one", () => {
    const read = { "/%": "/%", "/%E9t%C3%A9": "/%E9té", "/%C3%9F%E9%9": "/ß%E9%9", "/%C0%AF%ED%A0%80%F5%80%80%80": "/%C0%AF%ED%A0%80%F5%80%80%80", "/%zz%C3": "/%zz%C3" };
    expect(Object.keys(read).map(readable)).toEqual(Object.values(read));
  });
  it("say what can't be seen, whether it was encoded or not", () => {
    for (const address of ["/%E2%80%AEgnp.exe", "/a%E2%81%A6b", "/%E2%80%8B", "/a%0A%00%7F", "/%C2%A0", "/%E3%85%A4", "/%F3%A0%81%81", "/%CC%88a", "/a%20", "/a%20 b", "/a%E2%81%84b", "/a%E2%80%8Cb"]) {
      expect(readable(address)).toBe(address);
      expect(readable(decodeURIComponent(address))).toBe(address);
    }
    expect(readable("/a\uD800b")).toBe("/a%EF%BF%BDb");
  });
  it("are known by their property or by how they look; all else stays", () => {
    expect([addressLabel("/%C3%9F", "$current_url"), addressLabel("HTTPS://a.example/%C3%9F", "next"), addressLabel("100%C3%9F", "note")]).toEqual(["/ß", "HTTPS://a.example/ß", "100%C3%9F"]);
    expect(["https://a.example/b?c=%C3%A9#d", "https://a.example", "about:blank", null].map(pathOfUrl)).toEqual(["/b?c=é", "/", "about:blank", null]);
  });
  it("that are typed as they read are known as browsers send them", () => {
    expect(["/straße", "/a b/[id]", "/stra%C3%9Fe/ß", "/a", "\uD800ß"].map((typed) => sentAs(typed, "$current_url"))).toEqual(["/stra%C3%9Fe", "/a%20b/[id]", "/stra%C3%9Fe/%C3%9F", null, null]);
    expect(sentAs("straße", "street")).toBe(null);
  });
  it("of a filter are read in its sentence and sent as they are", () => {
    const filter = filterOfValue("$current_url", "/stra%C3%9Fe");
    expect([sentenceOf(filter), writeFilter(filter)]).toEqual(["URL is /straße", '["$current_url","exact","/stra%C3%9Fe"]']);
  });
});
