// What forms are made of: a field with what is wrong with it, why the whole was refused, and the question before what can't be undone.
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import type { ApiFault } from "../api/client.ts";
import { useAct } from "../state/act.ts";
import { text } from "../text/en.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { faultText } from "./states.tsx";

/** A label around the one control in it. */
export function Field({ label, hint, children }: { label: string; hint?: string | undefined; children: ComponentChildren }): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      {children}
      {hint && <small class="muted">{hint}</small>}
    </label>
  );
}

export function Check({ label, hint, value, onChange }: { label: string; hint?: string; value: boolean; onChange: (value: boolean) => void }): JSX.Element {
  return (
    <label class="check">
      <input type="checkbox" checked={value} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{label}{hint && <small class="muted">{hint}</small>}</span>
    </label>
  );
}

/** Why the server refused a form: every field that it named, in its words. */
export function Problem({ fault }: { fault: ApiFault | null }): JSX.Element {
  return (
    <div role="alert">
      {fault && (fault.details.length > 0
        ? <ul class="problem">{fault.details.map((each) => <li key={each.field}>{each.field ? `${each.field}: ` : ""}{each.message}</li>)}</ul>
        : <p class="problem">{faultText(fault)}</p>)}
    </div>
  );
}

/** Asks before something that can't be undone is done. word: what has to be typed first. */
export function Confirm({ title, act, word, onDo, onClose, children }: {
  title: string;
  /** What the button says. */
  act: string;
  word?: string;
  /** Closed after it, unless the server refuses. */
  onDo: () => Promise<unknown>;
  onClose: () => void;
  children: ComponentChildren;
}): JSX.Element {
  const [typed, setTyped] = useState("");
  const { isBusy, fault, run } = useAct();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await run(onDo)) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={(event) => void submit(event)}>
        {children}
        {word !== undefined && (
          <Field label={text.confirm.type(word)}>
            <input class="input" autocomplete="off" spellcheck={false} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
          </Field>
        )}
        <Problem fault={fault} />
        <div class="dialog-foot">
          <Button onClick={onClose}>{text.dialog.cancel}</Button>
          <Button type="submit" kind="danger" disabled={isBusy || (word !== undefined && typed !== word)}>{act}</Button>
        </div>
      </form>
    </Dialog>
  );
}
