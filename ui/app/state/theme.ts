// Dark or light: as the system has it, unless chosen here.
import { signal } from "@preact/signals";
import { remember, remembered } from "./memory.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const theme = signal<Theme>("system");

/** Grows by one whenever colours may have changed: what is drawn on a canvas is drawn anew. */
export const paints = signal(0);

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen;
  remember("theme", chosen === "system" ? null : chosen);
  apply();
}

export function startTheme(): void {
  const chosen = THEMES.find((each) => each === remembered("theme"));
  theme.value = chosen ?? "system";
  apply();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
}

function apply(): void {
  const root = document.documentElement;
  if (theme.value === "system") root.removeAttribute("data-theme");
  else root.setAttribute("data-theme", theme.value);
  paints.value += 1;
}
