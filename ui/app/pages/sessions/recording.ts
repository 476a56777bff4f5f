// A session's recording from the store: which chunks there are, and what is in them.
import type { eventWithTime } from "@rrweb/types";
import { ApiFault, faultOf, get, isAbort, projectPath } from "../../api/client.ts";
import { BASE } from "../../state/base.ts";
import { cleanEvents, cleanMore } from "./clean.ts";

interface Chunk {
  index: number;
  size: number;
  url: string;
}

export interface Recording {
  events: eventWithTime[];
  /** Unix milliseconds of the first and of the last event. */
  startMs: number;
  endMs: number;
  /** It is longer than what is loaded. */
  isCut: boolean;
  /** What is loaded: the chunks' indexes, and how many bytes they have. */
  indexes: ReadonlySet<number>;
  bytes: number;
}

/** As many as one answer lists. */
const LISTED = 10_000;
const AT_ONCE = 6;
/** Of one recording, in a browser's memory: hours of an ordinary page. */
const MOST_BYTES = 150 * 1024 * 1024;
/** The player goes through all of them wherever somebody jumps to. */
const MOST_EVENTS = 500_000;
/** So many before the last one that is loaded may come after it: each window of a session sends its own. */
const MOST_LATE = 20;

/** null: the session has none. onProgress: the share that has come, 0 to 1. */
export async function loadRecording(projectId: string, sessionId: string, signal: AbortSignal, onProgress: (share: number) => void): Promise<Recording | null> {
  const listed = await listChunks(projectId, sessionId, undefined, signal);
  if (listed.length === 0) return null;
  const { contents, ...loaded } = await loadChunks(listed, 0, signal, onProgress);
  const events = cleanEvents(contents);
  return events.length > 1 ? { ...loaded, ...bounded(events, loaded.isCut) } : null;
}

/** With what has come since it was loaded; the same one if nothing has. */
export async function grown(recording: Recording, projectId: string, sessionId: string, signal: AbortSignal): Promise<Recording> {
  if (recording.isCut) return recording;
  const last = [...recording.indexes].reduce((most, index) => Math.max(most, index), 0);
  const after = last > MOST_LATE ? last - MOST_LATE - 1 : undefined;
  const listed = (await listChunks(projectId, sessionId, after, signal)).filter(({ index }) => !recording.indexes.has(index));
  if (listed.length === 0) return recording;
  const { contents, indexes, ...loaded } = await loadChunks(listed, recording.bytes, signal);
  const events = [...recording.events, ...cleanMore(contents)].sort((one, other) => one.timestamp - other.timestamp);
  return { ...loaded, ...bounded(events, loaded.isCut), indexes: new Set([...recording.indexes, ...indexes]) };
}

/** As many of the events as are played, and from when until when they are. */
function bounded(all: eventWithTime[], isCut: boolean): Pick<Recording, "events" | "startMs" | "endMs" | "isCut"> {
  const events = all.length > MOST_EVENTS ? all.slice(0, MOST_EVENTS) : all;
  return { events, startMs: events[0]?.timestamp ?? 0, endMs: events.at(-1)?.timestamp ?? 0, isCut: isCut || events !== all };
}

/** As many as there is room for beside so many bytes. */
async function loadChunks(listed: readonly Chunk[], held: number, signal: AbortSignal, onProgress?: (share: number) => void): Promise<Pick<Recording, "isCut" | "indexes" | "bytes"> & { contents: unknown[] }> {
  const chunks: Chunk[] = [];
  let bytes = held;
  for (const chunk of listed) {
    if (bytes + chunk.size > MOST_BYTES) break;
    bytes += chunk.size;
    chunks.push(chunk);
  }
  const contents: unknown[] = chunks.map(() => null);
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let place = next++; place < chunks.length; place = next++) {
      contents[place] = await loadChunk(chunks[place] as Chunk, signal);
      done += 1;
      onProgress?.(done / chunks.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { contents, isCut: chunks.length < listed.length, indexes: new Set(chunks.map(({ index }) => index)), bytes };
}

/** Those that come after an index. */
async function listChunks(projectId: string, sessionId: string, since: number | undefined, signal: AbortSignal): Promise<Chunk[]> {
  const found: Chunk[] = [];
  try {
    for (;;) {
      const after = found.at(-1)?.index ?? since;
      const { chunks } = await get<{ chunks: Chunk[] }>(projectPath(projectId, "sessions", sessionId, "recording"), { after }, signal);
      found.push(...chunks);
      if (chunks.length < LISTED) return found;
    }
  } catch (error) {
    if (error instanceof ApiFault && error.status === 404) return found;
    throw error;
  }
}

/** What a chunk holds; null where it is gone by now, or isn't JSON: the rest is shown without it. */
async function loadChunk(chunk: Chunk, signal: AbortSignal): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(addressHere(chunk.url), { signal, credentials: "omit" });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiFault(0, "UNREACHABLE", "");
  }
  if (response.status === 404) return null;
  if (!response.ok) throw await faultOf(response);
  try {
    return (await response.json()) as unknown;
  } catch (error) {
    if (isAbort(error)) throw error;
    return null;
  }
}

/** The server's own URLs are asked for where the app came from: it may be reached under other names than its public one. */
function addressHere(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname.startsWith(`${BASE}/api/v1/objects/`) ? pathname + search : url; // a bucket may be called `api` too
}
