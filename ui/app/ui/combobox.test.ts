import { describe, expect, it } from "vitest";
import { fitting } from "./combobox.tsx";

describe("while a newer list is awaited", () => {
  it("the earlier one has only what fits what is typed by now", () => {
    const list = [{ value: "$pageview", label: "Page view" }, { value: "product_viewed" }, { value: "view" }];
    const values = (typed: string): string[] => fitting(list, typed).map((each) => each.value);
    expect([values(""), values("Product_"), values("page V"), values("buy")]).toEqual([["$pageview", "product_viewed", "view"], ["product_viewed"], ["$pageview"], []]);
  });
});
