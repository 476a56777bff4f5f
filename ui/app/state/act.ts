// Changing something on the server from a component: one change at a time, and why it was refused.
import { useRef, useState } from "preact/hooks";
import { ApiFault } from "../api/client.ts";

export interface Act {
  isBusy: boolean;
  fault: ApiFault | null;
  /** Whether it went through; what the server refused is in `fault`. While one change is under way another isn't begun. */
  run: (change: () => Promise<unknown>) => Promise<boolean>;
  forget: () => void;
}

export function useAct(): Act {
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState<ApiFault | null>(null);
  const isRunning = useRef(false);
  const run = async (change: () => Promise<unknown>): Promise<boolean> => {
    if (isRunning.current) return false;
    isRunning.current = true;
    const focused = document.activeElement;
    setBusy(true);
    setFault(null);
    try {
      await change();
      return true;
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error;
      setFault(error);
      return false;
    } finally {
      isRunning.current = false;
      setBusy(false);
      // A button that was disabled meanwhile has lost the focus.
      setTimeout(() => document.activeElement === document.body && focused instanceof HTMLElement && focused.focus());
    }
  };
  // That the login has ended is said over the page.
  return { isBusy, fault: fault?.status === 401 ? null : fault, run, forget: () => setFault(null) };
}
