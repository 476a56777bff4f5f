// Something that the server shows once: it stands in a dialog until whoever made it says that they have it.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { text } from "../../text/en.ts";
import { Button } from "../../ui/button.tsx";
import { copy } from "../../ui/copy.tsx";

export function Secret({ label, lead, secret, done, onDone }: { label: string; lead: string; secret: string; done: string; onDone: () => void }): JSX.Element {
  const shown = useRef<HTMLPreElement>(null);
  useEffect(() => {
    shown.current?.focus(); // what had the focus went with the form
    const stay = (event: KeyboardEvent): void => {
      if (event.key === "Escape") event.preventDefault();
    };
    addEventListener("keydown", stay, true);
    return () => removeEventListener("keydown", stay, true);
  }, []);
  return (
    <div class="stack">
      <p role="status">{lead}</p>
      <pre class="code secret" ref={shown} tabIndex={0} role="region" aria-label={label}>{secret}</pre>
      <div class="dialog-foot">
        <Button icon="copy" onClick={() => void copy(secret)}>{text.copy.label}</Button>
        <Button kind="primary" onClick={onDone}>{done}</Button>
      </div>
    </div>
  );
}
