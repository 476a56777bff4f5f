// Asking the server from a component: the answer, or how it stands with it. What was asked before is aborted when the question changes or
// the component goes; its answer stays on show, dimmed, until the next one is there.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiFault, isAbort } from "../api/client.ts";
import { hasEnded } from "./session.ts";

/** How long an answer may take before the page says so, and offers to stop waiting. */
export const SLOW_MS = 1200;

export interface Asked<T> {
  /** The newest answer there is, maybe to an earlier question. */
  data: T | null;
  fault: ApiFault | null;
  isLoading: boolean;
  isSlow: boolean;
  isCancelled: boolean;
  cancel: () => void;
  again: () => void;
}

/** Whether the answer is to the question as it is: to be taken along under its name, not only to be seen until the next one is there. */
export const isOfNow = ({ fault, isLoading, isCancelled }: Asked<unknown>): boolean => !fault && !isLoading && !isCancelled;

interface State<T> {
  key: string | null;
  data: T | null;
  fault: ApiFault | null;
  isLoading: boolean;
  isSlow: boolean;
  isCancelled: boolean;
}

/**
 * key: what is asked, as text; another one asks anew, null asks nothing.
 * keep: whether the answer to the question before stays on show meanwhile.
 */
export function useAsk<T>(key: string | null, run: (signal: AbortSignal) => Promise<T>, { keep = true } = {}): Asked<T> {
  const [state, setState] = useState<State<T>>({
    key: null, data: null, fault: null, isLoading: key !== null, isSlow: false, isCancelled: false,
  });
  const [turn, setTurn] = useState(0);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => {
    if (key === null) return undefined;
    const own = new AbortController();
    controller.current = own;
    const change = (changes: Partial<State<T>>): void => {
      if (!own.signal.aborted) setState((before) => ({ ...before, ...changes }));
    };
    setState((before) => ({
      key, data: keep || before.key === key ? before.data : null, fault: null, isLoading: true, isSlow: false, isCancelled: false,
    }));
    const slow = setTimeout(() => change({ isSlow: true }), SLOW_MS);
    run(own.signal)
      .then((data) => change({ data, isLoading: false, isSlow: false }))
      .catch((error: unknown) => {
        if (isAbort(error)) return;
        if (error instanceof ApiFault) change({ fault: error, isLoading: false, isSlow: false });
        else throw error;
      })
      .finally(() => clearTimeout(slow));
    return () => {
      clearTimeout(slow);
      own.abort();
    };
  }, [key, turn]);
  useNewLogin(() => {
    if (state.fault?.status === 401) setTurn((before) => before + 1);
  });
  return {
    data: state.data,
    fault: state.fault,
    isLoading: key !== null && (state.isLoading || state.key !== key),
    isSlow: state.isSlow,
    isCancelled: state.isCancelled,
    cancel: () => {
      controller.current?.abort();
      setState((before) => ({ ...before, isLoading: false, isSlow: false, isCancelled: true }));
    },
    again: () => setTurn((before) => before + 1),
  };
}

/** Calls back once there is a new login after one that ended over the page: what it refused meanwhile is asked again by itself. */
export function useNewLogin(onLogin: () => void): void {
  const isOver = hasEnded.value;
  const wasOver = useRef(isOver);
  useEffect(() => {
    if (wasOver.current && !isOver) onLogin();
    wasOver.current = isOver;
  }, [isOver]);
}
