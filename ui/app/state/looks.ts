// Looking at something that may grow, for as long as somebody sees the page.
import { useEffect, useRef } from "preact/hooks";
import { ApiFault, isAbort } from "../api/client.ts";
import { hasEnded } from "./session.ts";

export const LOOK_EVERY_MS = 5000;

/** key: what is looked at, as text; null looks at nothing. One look after the other; one that fails is made up for by the next. */
export function useLooks(key: string | null, look: (signal: AbortSignal) => Promise<void>): void {
  const latest = useRef(look);
  latest.current = look;
  useEffect(() => {
    if (key === null) return undefined;
    const own = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const wait = (): void => {
      timer = setTimeout(() => void turn(), LOOK_EVERY_MS);
    };
    const turn = async (): Promise<void> => {
      try {
        if (!document.hidden && !hasEnded.value) await latest.current(own.signal);
      } catch (error) {
        if (!(error instanceof ApiFault) && !isAbort(error)) throw error;
      } finally {
        if (!own.signal.aborted) wait();
      }
    };
    wait();
    return () => {
      clearTimeout(timer);
      own.abort();
    };
  }, [key]);
}
