// The overview's questions: figures and chart in one, which is quick; after that the tables that are on show in another, and each that
// somebody turns to by itself. A table stays until the question changes.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, isAbort, post, projectPath } from "../../api/client.ts";
import type { Breakdown, Overview, OverviewRow, Page, SvEvent } from "../../api/types.ts";
import { useAsk, type Asked } from "../../state/ask.ts";
import { hasEnded } from "../../state/session.ts";

export const LIVE_EVERY_MS = 30_000;
const FIRST_EVERY_MS = 2000;

export type Tables = Partial<Record<Breakdown, OverviewRow[]>>;

export interface Question {
  path: string;
  /** Without what concerns tables. */
  body: Record<string, unknown>;
  /** Of its dates. */
  day: string;
  /** Whether figures are still waited for: both at once would share the server, and the chart come no sooner than the tables. */
  isWaiting: boolean;
}

/** wanted: on show, in a fixed order. limit: rows of each. */
export function useTables({ path, body, day, isWaiting }: Question, wanted: readonly Breakdown[], limit: number): Asked<Tables> {
  const question = JSON.stringify([path, body, day, limit]);
  const had = useRef<{ question: string; tables: Tables }>({ question, tables: {} });
  if (had.current.question !== question) had.current = { question, tables: {} };
  const missing = wanted.filter((each) => had.current.tables[each] === undefined);
  const asked = useAsk(missing.length === 0 || isWaiting ? null : JSON.stringify([question, missing]), async (signal) => {
    const mine = had.current;
    const answer = await post<Overview>(path, { ...body, compare: false, breakdowns: missing, breakdown_limit: limit }, signal);
    mine.tables = { ...mine.tables, ...answer.tables };
    return mine.tables;
  });
  const isLoading = asked.isLoading || (missing.length > 0 && isWaiting);
  return { ...asked, isLoading, data: missing.length === 0 ? had.current.tables : asked.data };
}

/** Visitors of the last minutes, asked for now and then while the page is looked at; null until known. */
export function useLive(projectId: string): number | null {
  const [count, setCount] = useState<number | null>(null);
  const isOver = hasEnded.value;
  useEffect(() => {
    const controller = new AbortController();
    const path = projectPath(projectId, "insights", "overview");
    const look = async (): Promise<void> => {
      if (document.hidden || isOver) return;
      try {
        const answer = await post<Overview>(path, { date_from: "-5min", interval: "hour", compare: false, breakdowns: [] }, controller.signal);
        setCount(answer.live_visitors);
      } catch (error) {
        if (!isAbort(error)) setCount(null); // the page's own question says what is wrong
      }
    };
    void look();
    const timer = setInterval(() => void look(), LIVE_EVERY_MS);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, [projectId, isOver]);
  return count;
}

export interface First {
  /** undefined: not known yet; null: the project has no event. */
  event: SvEvent | null | undefined;
  /** Whether it came while it was waited for. */
  isFresh: boolean;
}

/** The project's newest event; where there is none it is waited for. A server that doesn't answer counts as one that has events. */
export function useFirst(projectId: string): First {
  const [first, setFirst] = useState<First>({ event: undefined, isFresh: false });
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    let hasWaited = false;
    const look = async (): Promise<void> => {
      try {
        if (!hasEnded.value) {
          const page = await get<Page<SvEvent>>(projectPath(projectId, "events"), { limit: 1 }, controller.signal);
          const event = page.data[0] ?? null;
          setFirst({ event, isFresh: hasWaited && event !== null });
          if (event !== null) return;
          hasWaited = true;
        }
      } catch (error) {
        if (isAbort(error)) return;
        if (!hasWaited) setFirst({ event: undefined, isFresh: false });
      }
      timer = setTimeout(() => void look(), FIRST_EVERY_MS);
    };
    void look();
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [projectId]);
  return first;
}
