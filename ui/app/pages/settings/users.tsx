// Who has an account on this server.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { patch, post, remove } from "../../api/client.ts";
import type { User } from "../../api/people.ts";
import type { ProjectRole, Role } from "../../api/types.ts";
import { formatMoment } from "../../model/format.ts";
import { useAct } from "../../state/act.ts";
import { useList } from "../../state/list.ts";
import { loadMe, me } from "../../state/session.ts";
import { people, settings, users as text } from "../../text/settings.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Check, Confirm, Field, Form, Problem, Submit } from "../../ui/form.tsx";
import type { Column } from "../../ui/table.tsx";
import { toast } from "../../ui/toasts.tsx";
import { doHead, ListedTable } from "./listed.tsx";
import { RoleOptions } from "./members.tsx";
import type { PartProps } from "./page.tsx";
import { Secret } from "./secret.tsx";

const pathOf = (user: User): string => `/users/${encodeURIComponent(user.id)}`;

export function Users({ project }: PartProps): JSX.Element {
  const listed = useList<User>("/users", {});
  const [isMaking, setMaking] = useState(false);
  const [changing, setChanging] = useState<User | null>(null);
  const [leaving, setLeaving] = useState<User | null>(null);
  const own = me.value?.user.id;
  const columns: Column<User>[] = [
    { key: "email", head: text.columns.email, title: (row) => row.email, cell: (row) => <>{row.email} {row.id === own && <span class="tag">{text.you}</span>}</> },
    { key: "rights", head: text.columns.rights, cell: (row) => (row.is_instance_admin ? text.instanceAdmin : text.rights(row.memberships.length)) },
    { key: "since", head: text.columns.since, cell: (row) => formatMoment(row.created_at, project.timezone) },
    {
      key: "do", head: doHead(), isNumber: true, cell: (row) => (
        <span class="row-buttons">
          <Button isSmall aria-label={text.changeOf(row.email)} onClick={() => setChanging(row)}>{text.change}</Button>{" "}
          {row.id !== own && <Button isSmall kind="danger" aria-label={text.deleteOf(row.email)} onClick={() => setLeaving(row)}>{text.remove}</Button>}
        </span>
      ),
    },
  ];
  const deleteUser = async (user: User): Promise<void> => {
    await remove(pathOf(user));
    toast(text.removed(user.email));
    listed.asked.again();
  };
  return (
    <section class="card stack">
      <div class="settings-head">
        <h2>{settings.names.users}</h2>
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>{text.create}</Button>
      </div>
      <ListedTable listed={listed} caption={text.table} none={people.none} columns={columns} keyOf={(row) => row.id} />
      {isMaking && <Editing user={null} project={project} onDone={listed.asked.again} onClose={() => setMaking(false)} />}
      {changing && <Editing user={changing} project={project} onDone={listed.asked.again} onClose={() => setChanging(null)} />}
      {leaving && (
        <Confirm title={text.deleteTitle(leaving.email)} act={text.remove} onDo={() => deleteUser(leaving)} onClose={() => setLeaving(null)}>
          <p>{text.deleteText}</p>
        </Confirm>
      )}
    </section>
  );
}

/** An account that is made (user null) or changed. Of its roles the one in the project that is looked at is here. */
function Editing({ user, project, onDone, onClose }: { user: User | null; project: ProjectRole; onDone: () => void; onClose: () => void }): JSX.Element {
  const role = user?.memberships.find((each) => each.project_id === project.id)?.role ?? null;
  const [email, setEmail] = useState("");
  const [isAdmin, setAdmin] = useState(user?.is_instance_admin ?? false);
  const hasProject = project.id !== "";
  const [chosen, setChosen] = useState<Role | null>(user || !hasProject ? role : "viewer");
  const [password, setPassword] = useState("");
  const [secret, setSecret] = useState<string | null>(null);
  const act = useAct();
  const { fault, run } = act;
  const memberships = chosen === role ? [] : [{ project_id: project.id, role: chosen }];
  const save = async (): Promise<void> => {
    if (user) {
      await patch(pathOf(user), { ...(isAdmin !== user.is_instance_admin && { is_instance_admin: isAdmin }), memberships, ...(password !== "" && { password }) });
      toast(settings.saved);
      if (user.id === me.value?.user.id) await loadMe();
      onClose();
    } else {
      setSecret((await post<{ password: string }>("/users", { email, is_instance_admin: isAdmin, memberships })).password);
    }
    onDone();
  };
  return (
    <Dialog title={user ? text.changeOf(user.email) : text.create} onClose={onClose}>
      {secret !== null ? <Secret label={text.password} lead={text.once} secret={secret} done={text.done} onDone={onClose} /> : (
        <Form act={act} onSend={() => void run(save)}>
          {!user && (
            <Field label={people.email} name="email">
              <input class="input" inputMode="email" autocomplete="off" spellcheck={false} required value={email} onInput={(event) => setEmail(event.currentTarget.value)} />
            </Field>
          )}
          {hasProject && (
            <Field label={text.inProject(project.name)} name="memberships">
              <select class="input" value={chosen ?? ""} onChange={(event) => setChosen((event.currentTarget.value || null) as Role | null)}>
                <option value="">{text.noRole}</option>
                <RoleOptions />
              </select>
            </Field>
          )}
          <Check label={text.isAdmin} name="is_instance_admin" value={isAdmin} onChange={setAdmin} />
          {user && (
            <Field label={text.newPassword} hint={text.newPasswordHint} name="password">
              <input class="input" type="password" autocomplete="new-password" value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
            </Field>
          )}
          <Problem fault={fault} />
          <div class="dialog-foot">{user ? <Submit>{settings.save}</Submit> : <Submit doing={settings.making}>{text.submit}</Submit>}</div>
        </Form>
      )}
    </Dialog>
  );
}
