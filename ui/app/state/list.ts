// A list of the API, page by page: the first one when the question changes, the next ones when asked for.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiFault, get, isAbort, type Parameters } from "../api/client.ts";
import type { Page } from "../api/types.ts";
import { useAsk, useNewLogin, type Asked } from "./ask.ts";

export interface Listed<T> {
  asked: Asked<T[]>;
  hasMore: boolean;
  isLoadingMore: boolean;
  /** Why the next page could not be had. */
  moreFault: ApiFault | null;
  showMore: () => void;
}

const LIMIT = 100;

/** day: of the dates that are in the query, if any (`state/day.ts`). */
export function useList<T>(path: string, query: Parameters, day = ""): Listed<T> {
  return usePages(path + JSON.stringify([query, day]), (cursor, signal) => get<Page<T>>(path, { ...query, limit: LIMIT, cursor }, signal));
}

/** key: what is asked, as text. load: a page of it, the first where `cursor` is null. */
export function usePages<T>(key: string, load: (cursor: string | null, signal: AbortSignal) => Promise<Page<T>>): Listed<T> {
  const [more, setMore] = useState<{ key: string; rows: T[]; cursor: string | null }>({ key, rows: [], cursor: null });
  const [isLoadingMore, setLoadingMore] = useState(false);
  const [moreFault, setMoreFault] = useState<ApiFault | null>(null);
  const controller = useRef<AbortController | null>(null);
  const first = useAsk<T[]>(key, async (signal) => {
    const page = await load(null, signal);
    setMore({ key, rows: [], cursor: page.meta.next_cursor });
    return page.data;
  });
  useEffect(() => {
    setLoadingMore(false);
    setMoreFault(null);
    return () => controller.current?.abort();
  }, [key]);
  const showMore = (): void => {
    if (more.cursor === null || more.key !== key || isLoadingMore) return;
    const own = new AbortController();
    controller.current = own;
    setLoadingMore(true);
    setMoreFault(null);
    load(more.cursor, own.signal)
      .then((page) => setMore((before) => ({ key, rows: [...before.rows, ...page.data], cursor: page.meta.next_cursor })))
      .catch((error: unknown) => {
        if (isAbort(error)) return;
        if (!(error instanceof ApiFault)) throw error;
        setMoreFault(error);
      })
      .finally(() => {
        if (!own.signal.aborted) setLoadingMore(false);
      });
  };
  useNewLogin(() => {
    if (moreFault?.status === 401) showMore();
  });
  const isCurrent = more.key === key;
  const data = first.data && isCurrent && more.rows.length > 0 ? [...first.data, ...more.rows] : first.data;
  return { asked: { ...first, data }, hasMore: isCurrent && more.cursor !== null, isLoadingMore, moreFault, showMore };
}
