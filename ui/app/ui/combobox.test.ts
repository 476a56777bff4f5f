import { describe, expect, it } from "vitest";
import { fitting, named } from "./combobox.tsx";

describe("while a newer list is awaited", () => {
  it("the earlier one has only what fits what is typed by now", () => {
    const list = [{ value: "$pageview", label: "Page view" }, { value: "product_viewed" }, { value: "view" }];
    const values = (typed: string): string[] => fitting(list, typed).map((each) => each.value);
    expect([values(""), values("Product_"), values("page V"), values("buy")]).toEqual([["$pageview", "product_viewed", "view"], ["product_viewed"], ["$pageview"], []]);
  });
});

describe("a name that was typed to its end", () => {
  const list = [{ value: "$pageview", label: "Page view" }, { value: "view" }, { value: "View" }];
  const meant = (typed: string, among = list): string | undefined => named(among, typed)?.value;
  it("is what is shown by it, in whatever case", () => {
    expect([meant("Page view"), meant(" page VIEW "), meant("page"), meant("")]).toEqual(["$pageview", "$pageview", undefined, undefined]);
  });
  it("is rather what is called just so", () => {
    expect([meant("view"), meant("View"), meant("Page view", [...list, { value: "Page view" }])]).toEqual(["view", "View", "Page view"]);
  });
});
