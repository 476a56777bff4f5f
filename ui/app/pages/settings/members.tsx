// Who has a part in the project, and which.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { patch, post, projectPath, remove } from "../../api/client.ts";
import { ROLES, type Member } from "../../api/people.ts";
import type { Role } from "../../api/types.ts";
import { formatMoment } from "../../model/format.ts";
import { useAct } from "../../state/act.ts";
import { useList } from "../../state/list.ts";
import { loadMe, me } from "../../state/session.ts";
import { people as text } from "../../text/settings.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Confirm, Field, Form, Problem, Submit } from "../../ui/form.tsx";
import type { Column } from "../../ui/table.tsx";
import { toast } from "../../ui/toasts.tsx";
import { doHead, ListedTable } from "./listed.tsx";
import type { PartProps } from "./page.tsx";

export function RoleOptions(): JSX.Element {
  return <>{ROLES.map((role) => <option key={role} value={role}>{text.roles[role]}</option>)}</>;
}

export function Members({ project }: PartProps): JSX.Element {
  const path = projectPath(project.id, "members");
  const pathOf = (member: Member): string => projectPath(project.id, "members", member.user_id);
  const listed = useList<Member>(path, {});
  const [isAdding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<Member | null>(null);
  const { fault, run } = useAct();
  // Who takes their own role away loses these parts: `me` is asked again.
  const refresh = async (member: Member): Promise<void> => {
    if (member.user_id === me.value?.user.id) await loadMe();
    listed.asked.again();
  };
  const change = async (member: Member, role: Role): Promise<void> => {
    if (await run(() => patch(pathOf(member), { role }))) toast(text.changed(member.email, text.roles[role]));
    await refresh(member);
  };
  const columns: Column<Member>[] = [
    { key: "email", head: text.email, cell: (row) => row.email, title: (row) => row.email },
    {
      key: "role", head: text.role, cell: (row) => (
        <select class="input" aria-label={text.roleOf(row.email)} value={row.role} onChange={(event) => void change(row, event.currentTarget.value as Role)}>
          <RoleOptions />
        </select>
      ),
    },
    { key: "since", head: text.since, cell: (row) => formatMoment(row.created_at, project.timezone) },
    {
      key: "do", head: doHead(), isNumber: true,
      cell: (row) => <Button isSmall kind="danger" aria-label={text.removeOf(row.email)} onClick={() => setLeaving(row)}>{text.remove}</Button>,
    },
  ];
  return (
    <section class="card stack">
      <div class="settings-head">
        <div><h2>{text.members}</h2><p class="muted small">{text.rolesText}</p></div>
        <Button kind="primary" icon="plus" onClick={() => setAdding(true)}>{text.addTitle}</Button>
      </div>
      <Problem fault={fault} />
      <ListedTable listed={listed} caption={text.members} none={text.none} columns={columns} keyOf={(row) => row.user_id} />
      {isAdding && <Adding path={path} onAdded={listed.asked.again} onClose={() => setAdding(false)} />}
      {leaving && (
        <Confirm title={text.removeTitle(leaving.email)} act={text.remove} doing={text.removing} onDo={() => remove(pathOf(leaving)).then(() => refresh(leaving))} onClose={() => setLeaving(null)}>
          <p>{text.removeText}</p>
        </Confirm>
      )}
    </section>
  );
}

function Adding({ path, onAdded, onClose }: { path: string; onAdded: () => void; onClose: () => void }): JSX.Element {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const act = useAct();
  const { fault, run } = act;
  const send = async (): Promise<void> => {
    if (!(await run(() => post(path, { email, role })))) return;
    toast(text.added(email));
    onAdded();
    onClose();
  };
  return (
    <Dialog title={text.addTitle} onClose={onClose}>
      <Form act={act} onSend={() => void send()}>
        <Field label={text.email} hint={text.addHint} name="email">
          <input class="input" inputMode="email" autocomplete="off" spellcheck={false} required value={email} onInput={(event) => setEmail(event.currentTarget.value)} />
        </Field>
        <Field label={text.role} name="role">
          <select class="input" value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}><RoleOptions /></select>
        </Field>
        <Problem fault={fault} />
        <div class="dialog-foot"><Submit doing={text.adding}>{text.add}</Submit></div>
      </Form>
    </Dialog>
  );
}
