// The button that saves what trends and funnels show, on a dashboard if wanted. For those who may.
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { get, patch, post, projectPath } from "../api/client.ts";
import type { Dashboard, ListedDashboard, SavedInsight } from "../api/dashboards.ts";
import type { Page } from "../api/types.ts";
import { ofPart } from "../model/refusals.ts";
import { inOrder, tilesBody, USUAL } from "../model/tiles.ts";
import { useAct } from "../state/act.ts";
import { useAsk } from "../state/ask.ts";
import { go, hrefOf, pathOf } from "../state/router.ts";
import { mayWrite } from "../state/session.ts";
import { saving as text } from "../text/dashboards.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { Field, Form, Problem, Submit } from "./form.tsx";
import { toast } from "./toasts.tsx";

const NEW = " new";

type Asked = Pick<SavedInsight, "kind"> & Partial<Pick<SavedInsight, "chart">> & { projectId: string; query: Record<string, unknown> };

export function SaveInsight(asked: Asked): JSX.Element | null {
  const [isOpen, setOpen] = useState(false);
  if (!mayWrite.value) return null;
  return (
    <>
      <Button icon="board" onClick={() => setOpen(true)}>{text.save}</Button>
      {isOpen && <Saving {...asked} onClose={() => setOpen(false)} />}
    </>
  );
}

/** Puts one more insight below what stands on a dashboard. */
export async function putOn(projectId: string, dashboardId: string, insightId: string): Promise<void> {
  const path = projectPath(projectId, "dashboards", dashboardId);
  const { tiles } = await get<Dashboard>(path);
  await patch(path, { tiles: tilesBody([...inOrder(tiles), { insight_id: insightId, title: null, layout: { x: 0, y: 0, ...USUAL } }]) });
}

function Saving({ projectId, kind, query, chart = null, onClose }: Asked & { onClose: () => void }): JSX.Element {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [chosen, setChosen] = useState("");
  const [newName, setNewName] = useState("");
  const made = useRef<string | null>(null); // likewise the insight: where only the dashboard was refused, it is there already
  const act = useAct();
  const { fault, run } = act;
  const known = useAsk(projectId, (signal) => get<Page<ListedDashboard>>(projectPath(projectId, "dashboards"), { limit: 200 }, signal));
  const save = async (): Promise<void> => {
    const board = chosen === NEW ? (await ofPart("dashboard", post<Dashboard>(projectPath(projectId, "dashboards"), { name: newName }))).id : chosen;
    if (chosen === NEW) setChosen(board); // one that was made isn't made again where the rest is refused
    if (made.current === null) made.current = (await post<SavedInsight>(projectPath(projectId, "insights"), { name, description, kind, query, chart })).id;
    else await patch(projectPath(projectId, "insights", made.current), { name, description });
    if (board !== "") await putOn(projectId, board, made.current);
    toast(text.done(name));
    onClose();
    if (board !== "") go(hrefOf(pathOf("dashboards", board)));
  };
  return (
    <Dialog title={text.title} onClose={onClose}>
      <Form act={act} onSend={() => void run(save)}>
        <Field label={text.name} name="name"><input class="input" required maxLength={200} autocomplete="off" value={name} onInput={(event) => setName(event.currentTarget.value)} /></Field>
        <Field label={text.description} name="description"><textarea class="input" maxLength={1000} value={description} onInput={(event) => setDescription(event.currentTarget.value)} /></Field>
        <Field label={text.dashboard} name="tiles">
          <select class="input" value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
            <option value="">{text.noDashboard}</option>
            {known.data?.data.map((each) => <option key={each.id} value={each.id}>{each.name}</option>)}
            <option value={NEW}>{text.newDashboard}</option>
          </select>
        </Field>
        {chosen === NEW && (
          <Field label={text.newName} name="dashboard.name"><input class="input" required maxLength={200} autocomplete="off" value={newName} onInput={(event) => setNewName(event.currentTarget.value)} /></Field>
        )}
        <Problem fault={fault ?? known.fault} />
        <div class="dialog-foot"><Submit>{text.submit}</Submit></div>
      </Form>
    </Dialog>
  );
}
