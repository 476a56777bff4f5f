// Short notices at the foot of the window, read out too, gone after some seconds.
import { signal } from "@preact/signals";
import type { JSX } from "preact";
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

export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite" aria-label={text.toasts}>
      {shown.value.map((each) => (
        <div class="toast" key={each.id}>{each.message}</div>
      ))}
    </div>
  );
}
