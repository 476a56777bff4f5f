// Sessions, as the API has them.
import { ApiFault, get, projectPath } from "./client.ts";
import type { Page, SvEvent } from "./types.ts";

export interface Session {
  id: string;
  distinct_id: string;
  started_at: string;
  ended_at: string;
  duration: number;
  event_count: number;
  pageview_count: number;
  is_bounce: boolean;
  entry_url: string | null;
  exit_url: string | null;
  referrer: string | null;
  country: string | null;
  device_type: string | null;
  browser: string | null;
  os: string | null;
  has_recording: boolean;
}

const MOST_EVENTS = 5000;

/** One session; null where there is none of this id: it may have a recording all the same. */
export async function sessionOf(projectId: string, id: string, signal: AbortSignal): Promise<Session | null> {
  try {
    return await get<Session>(projectPath(projectId, "sessions", id), {}, signal);
  } catch (error) {
    if (error instanceof ApiFault && error.status === 404) return null;
    throw error;
  }
}

/** Its events, the first one first; of more than some thousands the latest. */
export async function sessionEvents(projectId: string, id: string, signal: AbortSignal): Promise<SvEvent[]> {
  const found: SvEvent[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<SvEvent> = await get(projectPath(projectId, "sessions", id, "events"), { limit: 1000, cursor }, signal);
    found.push(...page.data);
    cursor = page.meta.next_cursor;
  } while (cursor !== null && found.length < MOST_EVENTS);
  return found.reverse();
}
