// The list of events and how it grows: at its head by asking for the newest every two seconds, at its foot page by page.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiFault, get, isAbort, projectPath, serverNowMs, type Parameters } from "../../api/client.ts";
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
  /** New ones that wait while the list is paused; more than that many where `hasMoreWaiting`. */
  waiting: number;
  hasMoreWaiting: boolean;
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

export interface State {
  rows: SvEvent[];
  fresh: SvEvent[];
  /** Where to go on beneath those that wait, if more have come than one answer has: the rows don't join on to them. null: they do. */
  apart: string | null;
  cursor: string | null;
  fault: ApiFault | null;
  isLoading: boolean;
  isAnswered: boolean;
  isSlow: boolean;
  isCancelled: boolean;
}

export const NOTHING: State = { rows: [], fresh: [], apart: null, cursor: null, fault: null, isLoading: true, isAnswered: false, isSlow: false, isCancelled: false };

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
            : taken(before, page, live.current));
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
    if (isLive) setState(joined);
  }, [isLive]);
  const older = useOlder(`${key} ${turn}`, (cursor, signal) => get<Page<SvEvent>>(path, { ...query, limit: PAGE, cursor }, signal), setState);
  const showMore = (): void => {
    if (state.cursor !== null) older.load(state.cursor);
  };
  const { rows, fresh, apart, cursor, fault, isLoading, isAnswered, isSlow, isCancelled } = state;
  const again = (): void => setTurn((before) => before + 1);
  const asked = { data: isAnswered ? rows : null, fault, isLoading, isSlow, isCancelled, cancel: () => stop.current(), again };
  return { asked, waiting: fresh.length, hasMoreWaiting: apart !== null, cursor, isLoadingMore: older.isLoading, showMore };
}

/** The next page at the list's foot, of what is asked by `key`: one at a time, and none that comes after another question, or to other rows. */
function useOlder(
  key: string, ask: (cursor: string, signal: AbortSignal) => Promise<Page<SvEvent>>, change: (changed: (before: State) => State) => void,
): { isLoading: boolean; load: (cursor: string) => void } {
  const [isLoading, setLoading] = useState(false);
  const missed = useRef<string | null>(null);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => {
    setLoading(false);
    missed.current = null;
    return () => controller.current?.abort();
  }, [key]);
  const load = (cursor: string): void => {
    if (isLoading) return;
    const own = new AbortController();
    controller.current = own;
    missed.current = null;
    setLoading(true);
    ask(cursor, own.signal)
      .then((page) => change((before) => before.cursor !== cursor ? before
        : { ...before, rows: merged(page.data, before.rows, MAX_ROWS), cursor: before.rows.length + PAGE > MAX_ROWS ? null : page.meta.next_cursor }))
      .catch((error: unknown) => {
        if (isAbort(error)) return;
        if (!(error instanceof ApiFault)) throw error;
        if (error.status === 401) missed.current = cursor;
        else change((before) => ({ ...before, fault: error }));
      })
      .finally(() => {
        if (!own.signal.aborted) setLoading(false);
      });
  };
  useNewLogin(() => {
    if (missed.current !== null) load(missed.current);
  });
  return { isLoading, load };
}

/** With the newest that there are. Where none of the rows is among them, there are more in between than were asked for. */
export function taken(before: State, { data, meta }: Page<SvEvent>, isLive: boolean): State {
  const known = new Set(before.rows.map((each) => each.id));
  // What is of a clock ahead of ours is among the newest for as long as it is ahead, whatever came since.
  const isApart = meta.next_cursor !== null && !data.some((each) => known.has(each.id) && Date.parse(each.timestamp) <= serverNowMs());
  const fresh = isApart ? data : merged(data.filter((each) => !known.has(each.id)), before.fresh, PAGE);
  const waits: State = { ...before, fresh, apart: isApart ? meta.next_cursor : null, fault: null };
  return isLive ? joined(waits) : waits;
}

/** What waits goes on top of the rows, or in their place: then those in between and they themselves are older ones. */
function joined(before: State): State {
  const { rows, fresh, apart, cursor } = before;
  return { ...before, rows: apart === null ? merged(fresh, rows, MAX_ROWS) : fresh, cursor: apart ?? cursor, fresh: [], apart: null };
}
