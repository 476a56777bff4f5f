// How far down a page was, for who comes back to it: what was there is asked for anew, and the browser scrolls before it has come.

/** So often it is looked whether a page that is held there while it grows still is there; and so many times at most, unless somebody does something. */
const LOOK_MS = 1000;
const MOST_LOOKS = 10;
const MOST = 100;
const DONE_BY = ["wheel", "pointerdown", "keydown", "touchstart"] as const;

/** By the name that an entry of the history has in its state. */
const heights = new Map<string, number>();
let entries = 0;
let held: AbortController | null = null;

const current = (): string => String((history.state as { entry?: unknown } | null)?.entry ?? "");

function note(): void {
  heights.delete(current());
  heights.set(current(), scrollY);
  const [oldest] = heights.keys();
  if (heights.size > MOST && oldest !== undefined) heights.delete(oldest);
}

/** The state of a new entry, which is about to follow the current one. The time is for entries from before the app was loaded anew. */
export function nextEntry(): { entry: string } {
  held?.abort();
  note();
  return { entry: `${performance.timeOrigin} ${++entries}` };
}

function hold(): void {
  held?.abort();
  const wanted = heights.get(current());
  if (wanted === undefined) return;
  const own = new AbortController();
  held = own;
  const watcher = new ResizeObserver(() => scrollTo(0, wanted));
  let looks = 0;
  const timer = setInterval(() => (Math.abs(scrollY - wanted) <= 1 || ++looks === MOST_LOOKS) && own.abort(), LOOK_MS);
  own.signal.addEventListener("abort", () => {
    clearInterval(timer);
    watcher.disconnect();
    held = null;
  });
  for (const name of DONE_BY) addEventListener(name, () => own.abort(), { capture: true, passive: true, signal: own.signal });
  watcher.observe(document.body);
}

export function watchHeight(): void {
  addEventListener("scroll", () => {
    if (!held) note();
  }, { passive: true });
  addEventListener("popstate", hold);
}
