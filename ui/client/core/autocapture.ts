// Events that nobody has to write code for: page views, also of pages that change without loading, leaving them, clicks, submitted forms,
// and clicks again and again at one place.
import type { Properties } from "../sv.d.ts";
import { chainOf, parentOf } from "./elements.ts";

const ACTIVE =
  "a,button,input,select,textarea,label,summary,option,area,video,audio,[role=button],[role=link],[role=menuitem],[role=tab],[role=checkbox],[role=radio],[role=switch],[role=option],[onclick]";
const RAGE_CLICKS = 3;
const RAGE_MS = 1000;
const RAGE_PIXELS = 30;

type Capture = (event: string, properties: Properties, at?: number) => void;

export const CAPTURED_BY_ITSELF = ["$pageview", "$pageleave", "$click", "$submit", "$rageclick"];

/** Calls back at another page without a load. */
export function watchNavigation(onNavigate: () => void): void {
  let page = location.href;
  /** isReplaced: the entry of history is the same, as of pages that keep filters in their address. */
  const look = (isReplaced: boolean): void => {
    const [before, now] = [page, location.href];
    if (before === now || (isReplaced && path(before) === path(now))) return;
    page = now;
    try {
      onNavigate();
    } catch {
      // never the page's trouble
    }
  };
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (this: History, ...given: Parameters<History["pushState"]>) {
      original.apply(this, given);
      look(name === "replaceState");
    };
  }
  addEventListener("popstate", () => look(false));
  addEventListener("hashchange", () => look(false));
}

/** Begin. capture: takes an event. Returns the way to end it. */
export function startAutocapture(capture: Capture): () => void {
  let isOn = true;
  let page = "";
  let seenAt = 0;
  let viewed: (() => void) | undefined;
  let clicks: [x: number, y: number, at: number][] = [];

  const safely =
    <E>(handle: (event: E) => void) =>
    (event: E): void => {
      try {
        if (isOn) handle(event);
      } catch {
        // never the page's trouble
      }
    };

  // One that comes as far as the document is heard of there. SCAR: `composed` says nothing of it: by a button it is true of those that do not.
  const toldWithin = safely((event: Event) => event.composedPath().includes(document) || submitted(event));

  function view(): void {
    page = location.href;
    seenAt = Date.now();
    // A moment later: by then the page has given itself its title.
    const [url, at] = [page, seenAt];
    viewed = () => capture("$pageview", { $current_url: url }, at);
    setTimeout(safely(tellViewed));
  }

  function tellViewed(): void {
    const tell = viewed;
    viewed = undefined;
    tell?.();
  }

  function leave(): void {
    tellViewed();
    if (page) capture("$pageleave", { $current_url: page, $duration: Math.round((Date.now() - seenAt) / 1000) });
    page = "";
  }

  function submitted(event: Event): void {
    if (event.target instanceof Element) capture("$submit", { $elements: chainOf(event.target) });
  }

  /** A submit isn't told outside of its shadow tree: where somebody is at work in an open one, it is heard of there. */
  function entered(event: Event): void {
    for (const place of event.composedPath()) if (place instanceof ShadowRoot) place.addEventListener("submit", toldWithin, true);
  }

  function clicked(event: MouseEvent): void {
    const target = event.composedPath()[0];
    if (!(target instanceof Element)) return;
    const at = Date.now();
    if (isActive(target)) capture("$click", { $elements: chainOf(target) }, at);
    clicks = clicks.filter(([x, y, then]) => at - then < RAGE_MS && Math.hypot(x - event.clientX, y - event.clientY) < RAGE_PIXELS);
    clicks.push([event.clientX, event.clientY, at]);
    // A click by keyboard has no place.
    if (event.detail && clicks.length === RAGE_CLICKS) {
      capture("$rageclick", { $elements: chainOf(target) }, at);
      clicks = [];
    }
  }

  watchNavigation(() => {
    if (!isOn) return;
    leave();
    view();
  });
  addEventListener("pagehide", safely(leave));
  addEventListener("pageshow", safely((event: PageTransitionEvent) => event.persisted && view()));
  document.addEventListener("click", safely(clicked), true);
  document.addEventListener("submit", safely(submitted), true);
  for (const use of ["keydown", "click"]) document.addEventListener(use, safely(entered), true);
  view();
  return () => {
    isOn = false;
  };
}

function path(url: string): string {
  return url.split(/[?#]/)[0]!;
}

function isActive(target: Element): boolean {
  for (let element: Element | null = target; element; element = parentOf(element)) if (element.matches(ACTIVE)) return true;
  return getComputedStyle(target).cursor === "pointer";
}
