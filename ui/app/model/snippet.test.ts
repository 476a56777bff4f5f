import { describe, expect, it } from "vitest";
import { importCommand } from "./snippet.ts";

describe("the command that imports a file", () => {
  it("names the project and the server that runs, with its path", () => {
    expect(importCommand("https://a.example/stats", "shop")).toBe("sv import events.csv --project shop --url https://a.example/stats");
  });
});
