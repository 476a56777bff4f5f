// Names in paths, the app's and the API's, which may hold anything.

/** Browsers resolve `.` and `..` before they ask, percent-encoded or not: the server (sv/web/paths.py) and the router know these as them. */
const DOTS = new Map([[".", "=."], ["..", "=.."]]);

export const segmentOf = (name: string): string => DOTS.get(name) ?? encodeURIComponent(name);

export function nameOf(segment: string): string {
  if (segment === "=." || segment === "=..") return segment.slice(1);
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // a stray %: what somebody typed
  }
}
