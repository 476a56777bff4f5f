// Which day it is in the project's timezone. "Today" and "Last 7 days" are other days after midnight: a page that is looked at then asks
// anew, one that isn't does so when somebody comes back to it.
import { computed, signal } from "@preact/signals";
import { serverNowMs } from "../api/client.ts";
import { dayOf } from "../model/format.ts";
import { isSettled, type Range } from "../model/range.ts";
import { project } from "./session.ts";

const LOOK_MS = 30_000;
/** The server tells its time in whole seconds: asked later than that, it is the same day there. */
const LATER_MS = 3000;

const nowMs = signal(Date.now());
/** 2025-01-31 */
export const today = computed(() => dayOf(nowMs.value, project.value?.timezone ?? "UTC"));

/** The part of a question's key that its dates have: another text on each day, unless they mean the same days for ever. */
export const dayOfRange = (range: Range): string => (isSettled(range) ? "" : today.value);

export function watchDay(): void {
  const look = (): void => {
    if (!document.hidden) nowMs.value = serverNowMs() - LATER_MS;
  };
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
}
