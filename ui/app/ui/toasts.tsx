// Short notices at the foot of the window, read out too, gone after some seconds. While a dialog is open they are in it: what is outside is
// behind its shade, and not read out.
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { text } from "../text/en.ts";

const SHOWN_MS = 5000;
const MAX_SHOWN = 4;

const shown = signal<{ id: number; message: string }[]>([]);
let last = 0;

export function toast(message: string): void {
  const id = (last += 1);
  shown.value = [...shown.value, { id, message }].slice(-MAX_SHOWN);
  setTimeout(() => {
    shown.value = shown.value.filter((each) => each.id !== id);
  }, SHOWN_MS);
}

const dialogs = signal(0);

function Notices({ isHere }: { isHere: boolean }): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite" aria-label={text.toasts}>
      {isHere && shown.value.map((each) => (
        <div class="toast" key={each.id}>{each.message}</div>
      ))}
    </div>
  );
}

export const Toasts = (): JSX.Element => <Notices isHere={dialogs.value === 0} />;

/** Of a dialog, for as long as it is open. */
export function DialogToasts(): JSX.Element {
  useEffect(() => {
    dialogs.value += 1;
    return () => {
      dialogs.value -= 1;
    };
  }, []);
  return <Notices isHere={dialogs.value > 0} />;
}
