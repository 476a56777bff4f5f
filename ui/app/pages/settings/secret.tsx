// Something that the server shows once: it stands in a dialog until whoever made it says that they have it.
import type { JSX } from "preact";
import { text } from "../../text/en.ts";
import { Button } from "../../ui/button.tsx";
import { copy } from "../../ui/copy.tsx";

export function Secret({ label, lead, secret, done, onDone }: { label: string; lead: string; secret: string; done: string; onDone: () => void }): JSX.Element {
  return (
    <div class="stack">
      <p role="status">{lead}</p>
      <pre class="code secret" tabIndex={0} role="region" aria-label={label}>{secret}</pre>
      <div class="dialog-foot">
        <Button icon="copy" onClick={() => void copy(secret)}>{text.copy.label}</Button>
        <Button kind="primary" onClick={onDone}>{done}</Button>
      </div>
    </div>
  );
}
