import { describe, expect, it } from "vitest";
import { ApiFault } from "../api/client.ts";
import { inPlace, ofPart, ownerOf } from "./refusals.ts";

describe("what the server refused of a form", () => {
  it("belongs to the field that is named, or to the nearest around it", () => {
    const names = ["name", "rules[1]", "rules[1].url", "settings.identity", "memberships"];
    expect(ownerOf("name", names)).toBe("name");
    expect(ownerOf("rules[1].url", names)).toBe("rules[1].url");
    expect(ownerOf("rules[1].filters[0].value", names)).toBe("rules[1]");
    expect(ownerOf("memberships[0].role", names)).toBe("memberships");
  });

  it("belongs to none that only begins alike", () => {
    const names = ["name", "rules[1]", "rules[1].url"];
    expect(ownerOf("names", names)).toBeNull();
    expect(ownerOf("rules[10]", names)).toBeNull();
    expect(ownerOf("rules[1].url_match", names)).toBe("rules[1]");
    expect(ownerOf("", names)).toBeNull();
    expect(ownerOf("settings", names)).toBeNull();
  });

  it("is named after its part where a form sends several requests", async () => {
    const refused = Promise.reject(new ApiFault(422, "VALIDATION_ERROR", "name: too long", [{ field: "name", message: "too long" }], 3));
    const fault = await ofPart("dashboard", refused).catch((error: unknown) => error);
    expect(fault).toMatchObject({ status: 422, message: "name: too long", details: [{ field: "dashboard.name", message: "too long" }], retryAfterS: 3 });
    expect(await ofPart("dashboard", Promise.resolve(1))).toBe(1);
  });

  it("of some of a list is told where these stand in the whole", () => {
    const details = [{ field: "rules[1].url", message: "a" }, { field: "rules[7]", message: "b" }, { field: "limit", message: "c" }];
    expect(inPlace(details, "rules", [0, 3]).map((each) => each.field)).toEqual(["rules[3].url", "rules[7]", "limit"]);
  });
});
