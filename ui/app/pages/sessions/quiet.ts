// Stretches of a recording in which nobody does anything. rrweb runs through them once something has happened before its eyes; where one
// begins to play within one, it has seen nothing yet.
import { EventType, IncrementalSource, type eventWithTime } from "@rrweb/types";

/** From how long on a stretch is quiet, as rrweb has it. */
export const QUIET_MS = 10_000;
/** What is done is seen coming. */
const LEAD_MS = 1000;

export const isDoing = (event: eventWithTime): boolean =>
  event.type === EventType.IncrementalSnapshot && event.data.source > IncrementalSource.Mutation && event.data.source <= IncrementalSource.Input;

/** Where to go on from a place, both milliseconds since the first event: the place itself unless it is quiet there, till the end maybe. */
export function afterQuiet(events: readonly eventWithTime[], atMs: number): number {
  const startMs = events[0]?.timestamp ?? 0;
  const next = events.find((event) => event.timestamp - startMs > atMs && isDoing(event)) ?? events.at(-1);
  const nextMs = (next?.timestamp ?? startMs) - startMs;
  return nextMs - atMs > QUIET_MS ? nextMs - LEAD_MS : atMs;
}
