// The list of events and how it grows: at its head by asking for the newest every two seconds, at its foot page by page.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiFault, get, isAbort, projectPath, type Parameters } from "../../api/client.ts";
import type { Page, SvEvent } from "../../api/types.ts";
import { SLOW_MS, useNewLogin, type Asked } from "../../state/ask.ts";
import { hasEnded } from "../../state/session.ts";

export const EVERY_MS = 2000;
export const PAGE = 100;
/** Rows kept on the page; a browser tab left open overnight goes on breathing. */
export const MAX_ROWS = 2000;

export interface Feed {
  /** The first page: null until it is there. */
  asked: Asked<SvEvent[]>;
  /** New ones that wait while the list is paused. */
  waiting: number;
  cursor: string | null;
  isLoadingMore: boolean;
  showMore: () => void;
}

/** The newest first, each once: both lists are, and may overlap. */
export function merged(fresh: readonly SvEvent[], known: readonly SvEvent[], most: number): SvEvent[] {
  const ids = new Set(known.map((each) => each.id));
  const added = fresh.filter((each) => !ids.has(each.id));
  if (added.length === 0) return known as SvEvent[];
  return [...added, ...known].sort((one, other) => Date.parse(other.timestamp) - Date.parse(one.timestamp)).slice(0, most);
}

interface State {
  rows: SvEvent[];
  fresh: SvEvent[];
  cursor: string | null;
  fault: ApiFault | null;
  isLoading: boolean;
  isAnswered: boolean;
  isSlow: boolean;
  isCancelled: boolean;
}

const NOTHING: State = { rows: [], fresh: [], cursor: null, fault: null, isLoading: true, isAnswered: false, isSlow: false, isCancelled: false };

/** day: of the query's dates; a list that is paused stays as it is until it goes on. */
export function useFeed(projectId: string, query: Parameters, day: string, isLive: boolean): Feed {
  const [state, setState] = useState<State>(NOTHING);
  const [turn, setTurn] = useState(0);
  const path = projectPath(projectId, "events");
  const shownDay = useRef(day);
  if (isLive) shownDay.current = day;
  const key = path + JSON.stringify([query, shownDay.current]);
  const live = useRef(isLive);
  const stop = useRef<() => void>(() => undefined);
  live.current = isLive;
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    let isFirst = true;
    setState(NOTHING);
    const slow = setTimeout(() => setState((before) => ({ ...before, isSlow: true })), SLOW_MS);
    stop.current = () => {
      clearTimeout(slow);
      controller.abort();
      setState((before) => ({ ...before, isLoading: false, isSlow: false, isCancelled: true }));
    };
    const look = async (): Promise<void> => {
      try {
        if (!hasEnded.value && (isFirst || !document.hidden)) {
          const page = await get<Page<SvEvent>>(path, { ...query, limit: PAGE }, controller.signal);
          const wasFirst = isFirst;
          setState((before) => wasFirst
            ? { ...NOTHING, rows: page.data, cursor: page.meta.next_cursor, isLoading: false, isAnswered: true }
            : taken(before, page.data, live.current));
          isFirst = false;
        }
      } catch (error) {
        if (isAbort(error)) return;
        if (!(error instanceof ApiFault)) throw error;
        // That the login has ended is said over the page; after a new one it goes on by itself.
        if (error.status !== 401) setState((before) => ({ ...before, fault: error, isLoading: false, isSlow: false }));
      } finally {
        clearTimeout(slow);
      }
      if (!controller.signal.aborted) timer = setTimeout(() => void look(), EVERY_MS);
    };
    void look();
    return () => {
      clearTimeout(timer);
      clearTimeout(slow);
      controller.abort();
    };
  }, [key, turn]);
  useEffect(() => {
    if (isLive) setState((before) => taken(before, [], true));
  }, [isLive]);
  const older = useOlder(`${key} ${turn}`, (signal) => get<Page<SvEvent>>(path, { ...query, limit: PAGE, cursor: state.cursor }, signal), setState);
  const showMore = (): void => {
    if (state.cursor !== null) older.load();
  };
  const { rows, fresh, cursor, fault, isLoading, isAnswered, isSlow, isCancelled } = state;
  const again = (): void => setTurn((before) => before + 1);
  const asked = { data: isAnswered ? rows : null, fault, isLoading, isSlow, isCancelled, cancel: () => stop.current(), again };
  return { asked, waiting: fresh.length, cursor, isLoadingMore: older.isLoading, showMore };
}

/** The next page at the list's foot, of what is asked by `key`: one at a time, and none that comes after another question. */
function useOlder(key: string, ask: (signal: AbortSignal) => Promise<Page<SvEvent>>, change: (changed: (before: State) => State) => void): { isLoading: boolean; load: () => void } {
  const [isLoading, setLoading] = useState(false);
  const isMissed = useRef(false);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => {
    setLoading(false);
    isMissed.current = false;
    return () => controller.current?.abort();
  }, [key]);
  const load = (): void => {
    if (isLoading) return;
    const own = new AbortController();
    controller.current = own;
    isMissed.current = false;
    setLoading(true);
    ask(own.signal)
      .then((page) => change((before) => ({ ...before, rows: merged(page.data, before.rows, MAX_ROWS), cursor: before.rows.length + PAGE > MAX_ROWS ? null : page.meta.next_cursor })))
      .catch((error: unknown) => {
        if (isAbort(error)) return;
        if (!(error instanceof ApiFault)) throw error;
        if (error.status === 401) isMissed.current = true;
        else change((before) => ({ ...before, fault: error }));
      })
      .finally(() => {
        if (!own.signal.aborted) setLoading(false);
      });
  };
  useNewLogin(() => {
    if (isMissed.current) load();
  });
  return { isLoading, load };
}

function taken(before: State, page: readonly SvEvent[], isLive: boolean): State {
  const known = new Set(before.rows.map((each) => each.id));
  const fresh = merged(page.filter((each) => !known.has(each.id)), before.fresh, PAGE);
  if (!isLive) return { ...before, fresh, fault: null };
  return { ...before, rows: merged(fresh, before.rows, MAX_ROWS), fresh: [], fault: null };
}
