// Where the app is: the address bar is the only state that a page keeps, so that a copied link shows what was seen.
// Links are plain <a href>; a click on one that stays here is caught and becomes a change of `place`.
import { computed, signal } from "@preact/signals";
import { nameOf, segmentOf } from "../model/path.ts";
import { BASE } from "./base.ts";
import { nextEntry, watchHeight } from "./scroll.ts";

/** path: without the server's base path; `href`s have it. */
export interface Place {
  path: string;
  search: string;
}

const isBelow = (path: string): boolean => path === BASE || path.startsWith(`${BASE}/`);

const here = (): Place => ({
  path: isBelow(location.pathname) ? location.pathname.slice(BASE.length) || "/" : location.pathname,
  search: location.search,
});

export const place = signal<Place>({ path: "/", search: "" });

/** The page's name and what follows it in the path, decoded: `/persons/gus%2F1` is `["persons", "gus/1"]`. */
export const segments = computed(() => segmentsOf(place.value.path));

export function segmentsOf(path: string): string[] {
  return path.split("/").filter(Boolean).map(nameOf);
}

/** The path of names that may hold anything. */
export function pathOf(...names: string[]): string {
  return `/${names.map(segmentOf).join("/")}`;
}

/** The address of a path of the app's. */
export const at = (path: string): string => BASE + path;

/** A link to a page of this project; parameters that are null, undefined or "" are left out. */
export function hrefOf(path: string, parameters: Record<string, string | readonly string[] | null | undefined> = {}): string {
  const query = new URLSearchParams();
  const project = new URLSearchParams(place.value.search).get("project");
  if (project !== null && !("project" in parameters)) query.set("project", project);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || value === undefined || value === "") continue;
    for (const each of typeof value === "string" ? [value] : value) query.append(name, each);
  }
  const text = query.toString();
  return at(text ? `${path}?${text}` : path);
}

export function go(href: string, { replace = false } = {}): void {
  const from = place.value.path;
  if (replace) history.replaceState(history.state, "", href);
  else history.pushState(nextEntry(), "", href);
  place.value = here();
  if (place.value.path !== from) scrollTo(0, 0);
}

/** Change some parameters of the address, keeping the others. */
export function setParameters(changes: Record<string, string | readonly string[] | null>, { replace = false } = {}): void {
  const query = new URLSearchParams(place.value.search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    if (value === null || value === "") continue;
    for (const each of typeof value === "string" ? [value] : value) query.append(name, each);
  }
  const text = query.toString();
  const href = place.value.path + (text ? `?${text}` : "");
  if (href !== place.value.path + place.value.search) go(at(href), { replace });
}

export function startRouter(): void {
  place.value = here();
  watchHeight();
  addEventListener("popstate", () => {
    place.value = here();
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (!isBelow(link.pathname) || link.pathname.startsWith(at("/api/")) || link.pathname === at("/schema")) return;
    if (link.hash && link.pathname === location.pathname && link.search === location.search) return; // within the page
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
