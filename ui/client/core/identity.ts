// Who visits, and in which session. Read from storage at each use, so that tabs of one browser agree.
import type { Properties } from "../sv.d.ts";
import { read, readJson, write, writeJson } from "./store.ts";

const IDLE_MS = 30 * 60_000;
const LONGEST_MS = 24 * 3_600_000;

/** arrival: where the session came from. chunks: of its recording, so far. */
export interface Session {
  id: string;
  startedAt: number;
  lastAt: number;
  arrival: Properties;
  chunks: number;
}

/** A version 4 UUID. crypto.randomUUID is there on pages by https alone. */
export function uuid(): string {
  return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (+digit ^ (crypto.getRandomValues(new Uint8Array(1))[0]! & (15 >> (+digit / 4)))).toString(16),
  );
}

export function anonymousId(): string {
  let id = read("anonymous_id");
  if (!id) write("anonymous_id", (id = uuid()));
  return id;
}

/** The session that goes on at a time: undefined after half an hour without events or after a day. A clock that was put back ends it too. */
export function goingOn(now: number): Session | undefined {
  const kept = readJson<Session>("session") as Session | undefined;
  return kept && typeof kept.id === "string" && now - kept.lastAt <= IDLE_MS && Math.abs(now - kept.startedAt) <= LONGEST_MS
    ? kept
    : undefined;
}

/** The same, or else another one, which begins. */
export function sessionAt(now: number): Session {
  const session = goingOn(now) ?? { id: uuid(), startedAt: now, lastAt: now, arrival: {}, chunks: 0 };
  if (now > session.lastAt) session.lastAt = now;
  writeJson("session", session);
  return session;
}

/** Begin a session, unless one goes on, and note where the visitor came from, if from elsewhere: every event of the session carries it. */
export function noteArrival(now: number): void {
  if (goingOn(now)) return; // who comes back from where they paid came from where they came from before
  const arrival: Properties = {};
  new URLSearchParams(location.search).forEach((value, name) => {
    if (value && /^utm_(source|medium|campaign|term|content)$/.test(name)) arrival[name] ??= value;
  });
  const referrer = document.referrer;
  if (referrer && referrer.split("/")[2] !== location.host) arrival["$referrer"] = referrer;
  const session = sessionAt(now);
  if (Object.keys(arrival).length) writeJson("session", { ...session, arrival });
}

/** The index of the next chunk of a session's recording; undefined where another session goes on by now, which counts its own. */
export function nextChunk(id: string): number | undefined {
  const session = sessionAt(Date.now());
  if (session.id !== id) return undefined;
  const index = session.chunks ?? 0;
  writeJson("session", { ...session, chunks: index + 1 });
  return index;
}

export function registered(): Properties {
  return { ...readJson<Properties>("registered_once"), ...readJson<Properties>("registered") };
}

export function register(properties: Properties): void {
  writeJson("registered", { ...readJson<Properties>("registered"), ...properties });
}

export function registerOnce(properties: Properties): void {
  writeJson("registered_once", { ...properties, ...readJson<Properties>("registered_once") });
}

/** Somebody else from now on. */
export function forget(): void {
  for (const key of ["user_id", "registered", "registered_once", "anonymous_id", "session", "turn"]) write(key, "");
}
