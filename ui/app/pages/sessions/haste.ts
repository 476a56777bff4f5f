// What rrweb's player does in a time that grows with the square of a recording's length, done sooner. Anybody may send half a million events
// and as many rules of style: it stood still over them for minutes, and the whole page with it.
import { EventType, IncrementalSource, type eventWithTime } from "@rrweb/types";
import { QUIET_MS } from "./quiet.ts";

/** raf: the frame that is waited for; true where nothing is left to do, null where it stands still. */
export interface Clock {
  actions: { delay: number; doAction: () => void }[];
  timeOffset: number;
  lastTimestamp: number;
  speed: number;
  raf: number | true | null;
  rafCheck: () => void;
}

/** What of the player this reaches into. */
export interface Hastened {
  timer: Clock;
  nextUserInteractionEvent: unknown;
  applyIncremental: (...given: unknown[]) => void;
}

/** Steps that are taken off a long list at once. */
const AT_ONCE = 1000;
/** From so many on, to take one off the front of a list moves all that follow. */
const LONG_LIST = 10_000;

/** rrweb takes each step off the front of its list by itself: minutes, where half a million are due. Of a long list those that are due are taken together. */
export function hasten(clock: Clock): void {
  const isDue = (action: Clock["actions"][number] | undefined): boolean => action !== undefined && clock.timeOffset >= action.delay;
  const takeDue = (): Clock["actions"] => {
    if (clock.actions.length < LONG_LIST) return [clock.actions.shift() as Clock["actions"][number]];
    let count = 1;
    while (count < AT_ONCE && isDue(clock.actions[count])) count++;
    return clock.actions.splice(0, count);
  };
  clock.rafCheck = () => {
    const now = performance.now();
    clock.timeOffset += (now - clock.lastTimestamp) * clock.speed;
    clock.lastTimestamp = now;
    const { raf } = clock;
    while (isDue(clock.actions[0])) {
      for (const { doAction } of takeDue()) {
        doAction();
        if (clock.raf !== raf) return; // it was stopped, or begins elsewhere
      }
    }
    clock.raf = clock.actions.length > 0 ? requestAnimationFrame(() => clock.rafCheck()) : true;
  };
}

/**
 * Whether a quiet stretch begins with an event, known before rrweb asks: after each event it looks through all of them for what is done next.
 * doings: what is done, in the order of time.
 */
export function foresee(replayer: Hastened, doings: readonly eventWithTime[]): void {
  let next: unknown = null;
  let isBusy = false;
  Object.defineProperty(replayer, "nextUserInteractionEvent", { get: () => next ?? (isBusy ? "soon" : null), set: (found) => (next = found) });
  const { applyIncremental } = replayer;
  replayer.applyIncremental = (...given) => {
    applyIncremental(...given);
    const event = given[0] as eventWithTime;
    const doing = firstAfter(doings, event.timestamp);
    isBusy = doing === undefined || beginOf(doing) - beginOf(event) <= QUIET_MS * replayer.timer.speed;
  };
}

function firstAfter(events: readonly eventWithTime[], ms: number): eventWithTime | undefined {
  let [start, end] = [0, events.length];
  while (start < end) {
    const middle = (start + end) >> 1;
    if ((events[middle] as eventWithTime).timestamp <= ms) start = middle + 1;
    else end = middle;
  }
  return events[start];
}

/** Movements are told of at their end. */
const beginOf = (event: eventWithTime): number =>
  event.timestamp + (event.type === EventType.IncrementalSnapshot && event.data.source === IncrementalSource.MouseMove ? event.data.positions[0]?.timeOffset ?? 0 : 0);

/** What is under the pointer has a class for it, and screens are the frame. rrweb parses the styles for that, in a time that grows with the square of their rules. */
export const adaptCss = (css: string): string =>
  css.replace(/(?<!\\):hover(?![\w-])/g, ":is(:hover,.\\:hover)").replace(/\b(max|min)-device-(width|height)\b/g, "$1-$2");
