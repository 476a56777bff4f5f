import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask } from "../../api/client.ts";
import { changed } from "../../model/changes.ts";
import { eventLabel, propertyLabel } from "../../model/names.ts";
import { segmentOf } from "../../model/path.ts";
import { useAct } from "../../state/act.ts";
import { definitions as text } from "../../text/definitions.ts";
import { text as shared } from "../../text/en.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Check, Field, Form, Problem, Submit } from "../../ui/form.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { Definition, Kind } from "./page.tsx";

const MAX_DESCRIPTION_CHARS = 1000;

export function EditDialog({ path, kind, definition, onClose, onSaved }: {
  path: string;
  kind: Kind;
  definition: Definition;
  onClose: () => void;
  onSaved: () => void;
}): JSX.Element {
  const [description, setDescription] = useState(definition.description ?? "");
  const [isVerified, setVerified] = useState(definition.is_verified);
  const [isHidden, setHidden] = useState(definition.is_hidden);
  const act = useAct();
  const { fault, run } = act;
  const save = async (): Promise<void> => {
    const before = { description: definition.description ?? "", is_verified: definition.is_verified, is_hidden: definition.is_hidden };
    const body = changed({ description: description.trim(), is_verified: isVerified, is_hidden: isHidden }, before);
    if (!(await run(() => ask("PATCH", `${path}/${segmentOf(definition.name)}`, { body })))) return;
    toast(text.saved);
    onSaved();
  };
  const label = kind === "events" ? eventLabel(definition.name) : propertyLabel(definition.name);
  return (
    <Dialog title={text.editTitle(label)} onClose={onClose}>
      <Form act={act} onSend={() => void save()}>
        <Problem fault={fault} />
        <p class="mono muted wrap">{definition.name}</p>
        <Field label={text.description} name="description">
          <textarea
            class="input" value={description} maxLength={MAX_DESCRIPTION_CHARS} placeholder={text.descriptionHint}
            onInput={(event) => setDescription(event.currentTarget.value)}
          />
        </Field>
        <Check label={text.verify} name="is_verified" value={isVerified} onChange={setVerified} />
        <Check label={text.hide} name="is_hidden" value={isHidden} onChange={setHidden} />
        <div class="dialog-foot">
          <Button onClick={onClose}>{shared.dialog.cancel}</Button>
          <Submit>{text.save}</Submit>
        </div>
      </Form>
    </Dialog>
  );
}
