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
const LARGEST_PAGE = 1000;
/** As many as come while somebody looks on. */
const NEW_PAGE = 100;

/** One session; null where there is none of this id: it may have a recording all the same. */
export async function sessionOf(projectId: string, id: string, signal: AbortSignal): Promise<Session | null> {
  try {
    return await get<Session>(projectPath(projectId, "sessions", id), {}, signal);
  } catch (error) {
    if (error instanceof ApiFault && error.status === 404) return null;
    throw error;
  }
}

/** Events of a session, the first one first. earlier: where those begin that came before them; null: none did. */
export interface Happened {
  events: SvEvent[];
  earlier: string | null;
}

/** The latest before `earlier`, at least so many if there are. */
export async function sessionEvents(projectId: string, id: string, signal: AbortSignal, earlier: string | null = null, most = MOST_EVENTS): Promise<Happened> {
  const found: SvEvent[] = [];
  let cursor = earlier;
  do {
    const page = await eventsPage(projectId, id, LARGEST_PAGE, cursor, signal);
    found.push(...page.data);
    cursor = page.meta.next_cursor;
  } while (cursor !== null && found.length < most);
  return { events: found.reverse(), earlier: cursor };
}

/** What came to those that are known, by so many as it should be; null: elsewhere than among the latest, and all has to be asked for. */
export async function newEvents(projectId: string, id: string, known: readonly SvEvent[], count: number, signal: AbortSignal): Promise<SvEvent[] | null> {
  if (count === 0) return [];
  if (count < 0 || count > NEW_PAGE) return null;
  const ids = new Set(known.map((each) => each.id));
  const added = (await eventsPage(projectId, id, NEW_PAGE, null, signal)).data.filter((each) => !ids.has(each.id));
  return added.length === count ? added.reverse() : null;
}

const eventsPage = (projectId: string, id: string, limit: number, cursor: string | null, signal: AbortSignal): Promise<Page<SvEvent>> =>
  get(projectPath(projectId, "sessions", id, "events"), { limit, cursor }, signal);
