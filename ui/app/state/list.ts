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
/** Rows that are asked for again at most. */
const MOST_AGAIN = 2000;

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
  const shown = useRef({ key, count: 0 });
  const first = useAsk<T[]>(key, async (signal) => {
    // Who asks anew, having changed a row far down, goes on seeing as many.
    const wanted = shown.current.key === key ? Math.min(shown.current.count, MOST_AGAIN) : 0;
    let { data, meta } = await load(null, signal);
    while (data.length < wanted && meta.next_cursor !== null) {
      const page = await load(meta.next_cursor, signal);
      data = [...data, ...page.data];
      meta = page.meta;
    }
    setMore({ key, rows: [], cursor: meta.next_cursor });
    return data;
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
  if (isCurrent) shown.current = { key, count: data?.length ?? 0 };
  return { asked: { ...first, data }, hasMore: isCurrent && more.cursor !== null, isLoadingMore, moreFault, showMore };
}
