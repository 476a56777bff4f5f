// The form for a name and a description, of a dashboard or a saved insight.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAct } from "../../state/act.ts";
import { dashboards as text } from "../../text/dashboards.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Field, Form, Problem, Submit } from "../../ui/form.tsx";

export function Naming({ title, act: label, name: before, description: described, onSave, onClose }: {
  title: string;
  act: string;
  name: string;
  description: string;
  /** Closed after it, unless the server refuses. */
  onSave: (naming: { name: string; description: string }) => Promise<unknown>;
  onClose: () => void;
}): JSX.Element {
  const [name, setName] = useState(before);
  const [description, setDescription] = useState(described);
  const act = useAct();
  const { fault, run } = act;
  const send = async (): Promise<void> => {
    if (await run(() => onSave({ name, description }))) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <Form act={act} onSend={() => void send()}>
        <Field label={text.name} name="name"><input class="input" required maxLength={200} autocomplete="off" value={name} onInput={(event) => setName(event.currentTarget.value)} /></Field>
        <Field label={text.description} name="description"><textarea class="input" maxLength={1000} value={description} onInput={(event) => setDescription(event.currentTarget.value)} /></Field>
        <Problem fault={fault} />
        <div class="dialog-foot"><Submit>{label}</Submit></div>
      </Form>
    </Dialog>
  );
}
