// What rrweb's events are, as far as it matters here.
import { EventType, IncrementalSource, type eventWithTime } from "@rrweb/types";

const INTERACTIONS = new Set<number>([
  IncrementalSource.MouseMove,
  IncrementalSource.MouseInteraction,
  IncrementalSource.Scroll,
  IncrementalSource.Input,
  IncrementalSource.TouchMove,
  IncrementalSource.Drag,
  IncrementalSource.Selection,
]);

/** Whether the visitor did this, rather than the page. */
export function isInteraction(event: eventWithTime): boolean {
  return event.type === EventType.IncrementalSnapshot && INTERACTIONS.has(event.data.source);
}

/** A chunk of events that are JSON each. */
export function chunkOf(events: readonly string[]): string {
  return `[${events.join(",")}]`;
}
