// Moments of a recording, as the address and people write them.

/** A place in a recording: 1:05, or 1:01:05. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** The moment that an address asks for, in milliseconds from the recording's start; null for none. */
export function readMoment(written: string | null): number | null {
  return written !== null && /^\d{1,7}(?:\.\d{1,3})?$/.test(written) ? Number(written) * 1000 : null;
}

/** Half an hour without anything ends a session, and the last of it may be under way for a while. */
const GOES_ON_MS = 31 * 60_000;

/** Whether something may still come of a session with its last event at a time; in milliseconds. */
export const goesOn = (lastMs: number, nowMs: number): boolean => Math.abs(nowMs - lastMs) < GOES_ON_MS;
