// The platform's own modal dialog: it keeps the focus inside, gives it back afterwards, and closes at Escape.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { text } from "../text/en.ts";
import { Button } from "./button.tsx";
import { DialogToasts } from "./toasts.tsx";

export function Dialog({ title, onClose, isWide, children }: {
  title: string;
  onClose: () => void;
  isWide?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  const id = useId();
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    // A dialog that is taken away, not closed, gives nothing back by itself.
    return () => setTimeout(() => document.activeElement === document.body && before instanceof HTMLElement && before.focus());
  }, []);
  return (
    <dialog ref={element} class={isWide ? "is-wide" : ""} aria-labelledby={id} onClose={onClose}>
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" icon="close" label={text.dialog.close} onClick={() => element.current?.close()} />
      </div>
      {children}
      <DialogToasts />
    </dialog>
  );
}
