// Which day it is in the project's timezone. "Today" and "Last 7 days" are other days after midnight: a page that is looked at then asks
// anew, and one that isn't once somebody comes back to it.
import { computed, signal } from "@preact/signals";
import { serverNowMs } from "../api/client.ts";
import { dayOf } from "../model/format.ts";
import { isSettled, type Range } from "../model/range.ts";
import { project } from "./session.ts";

const LOOK_MS = 30_000;
/** How far behind the server's clock this one is kept, which is told in whole seconds: a day begins here only after it has begun there. */
const BEHIND_MS = 3000;

const nowMs = signal(Date.now());
/** 2025-01-31 */
export const today = computed(() => dayOf(nowMs.value, project.value?.timezone ?? "UTC"));

/** Whether what an answer ends with isn't over yet. */
export const isOpen = ({ date_to: end }: { date_to: string }): boolean => Date.parse(end) > serverNowMs();

/** The part of a question's key that its dates have: another text on each day, unless they mean the same days for ever. */
export const dayOfRange = (range: Range): string => (isSettled(range) ? "" : today.value);

export function watchDay(): void {
  const look = (): void => {
    if (!document.hidden) nowMs.value = serverNowMs() - BEHIND_MS;
  };
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
}
