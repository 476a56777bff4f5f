import type { JSX } from "preact";
import { ask } from "../../api/client.ts";
import type { SmartEvent } from "../../api/types.ts";
import { useAct } from "../../state/act.ts";
import { text as shared } from "../../text/en.ts";
import { builder as text } from "../../text/smart.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Fault } from "../../ui/states.tsx";

/** Asks first; where the smart event is in use, says by what (the server names it), and offers to archive it. */
export function RemoveDialog({ path, smart, onClose, onArchive, onRemoved }: {
  path: string;
  smart: SmartEvent;
  onClose: () => void;
  onArchive: () => void;
  onRemoved: () => void;
}): JSX.Element {
  const { isBusy, fault, run } = useAct();
  const isUsed = fault?.status === 409;
  const remove = (): void => void run(() => ask("DELETE", path).then(onRemoved));
  return (
    <Dialog title={text.removeTitle(smart.name)} onClose={onClose}>
      <div class="stack">
        {isUsed ? <div class="note is-bad" role="alert"><div class="grow"><strong>{text.inUse}.</strong> {fault.message}</div></div> : fault && <Fault fault={fault} />}
        <p>{text.removeText}</p>
        <div class="dialog-foot">
          <Button onClick={onClose}>{shared.dialog.cancel}</Button>
          {isUsed
            ? !smart.archived && <Button kind="primary" onClick={onArchive}>{text.insteadArchive}</Button>
            : <Button kind="danger" icon="trash" disabled={isBusy} onClick={remove}>{isBusy ? shared.form.deleting : text.remove}</Button>}
        </div>
      </div>
    </Dialog>
  );
}
