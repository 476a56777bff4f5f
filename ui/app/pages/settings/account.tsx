// One's own password, and where one is logged in.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post, remove, serverNowMs } from "../../api/client.ts";
import type { LoginSession } from "../../api/people.ts";
import { agentLabel } from "../../model/agent.ts";
import { formatAgo, formatMoment } from "../../model/format.ts";
import { useAct } from "../../state/act.ts";
import { useList } from "../../state/list.ts";
import { me } from "../../state/session.ts";
import { account as text } from "../../text/settings.ts";
import { Button } from "../../ui/button.tsx";
import { Field, Form, Problem, Submit } from "../../ui/form.tsx";
import type { Column } from "../../ui/table.tsx";
import { toast } from "../../ui/toasts.tsx";
import { doHead, ListedTable } from "./listed.tsx";
import type { PartProps } from "./page.tsx";

export function Account({ project }: PartProps): JSX.Element {
  const listed = useList<LoginSession>("/auth/sessions", {});
  const { fault, run } = useAct();
  const nowMs = serverNowMs();
  const sinceOf = (session: LoginSession): string => formatMoment(session.created_at, project.timezone);
  const end = async (session: LoginSession): Promise<void> => {
    if (await run(() => remove(`/auth/sessions/${encodeURIComponent(session.id)}`))) toast(text.ended);
    listed.asked.again();
  };
  const columns: Column<LoginSession>[] = [
    { key: "where", head: text.columns.where, title: (row) => row.user_agent, cell: (row) => <>{agentLabel(row.user_agent)} {row.is_current && <span class="tag">{text.here}</span>}</> },
    { key: "address", head: text.columns.address, cell: (row) => row.address },
    { key: "since", head: text.columns.since, cell: sinceOf },
    { key: "used", head: text.columns.used, cell: (row) => formatAgo(row.last_used_at, nowMs) },
    {
      key: "do", head: doHead(), isNumber: true,
      cell: (row) => !row.is_current && <Button isSmall aria-label={text.endOf(agentLabel(row.user_agent), sinceOf(row))} onClick={() => void end(row)}>{text.end}</Button>,
    },
  ];
  return (
    <>
      <Password onChanged={listed.asked.again} />
      <section class="card stack">
        <h2>{text.sessions}</h2>
        <Problem fault={fault} />
        <ListedTable listed={listed} caption={text.sessions} none={text.sessions} columns={columns} keyOf={(row) => row.id} />
      </section>
    </>
  );
}

function Password({ onChanged }: { onChanged: () => void }): JSX.Element {
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const act = useAct();
  const { fault, run } = act;
  const send = async (): Promise<void> => {
    if (!(await run(() => post("/auth/password", { current_password: current, new_password: fresh })))) return;
    setCurrent("");
    setFresh("");
    toast(text.changed);
    onChanged();
  };
  return (
    <Form act={act} className="card stack" onSend={() => void send()}>
      <div><h2>{text.password}</h2><p class="muted small">{me.value?.user.email}</p></div>
      <input type="hidden" autocomplete="username" value={me.value?.user.email ?? ""} />
      <div class="settings-fields">
        <Field label={text.current} name="current_password">
          <input class="input" type="password" autocomplete="current-password" required value={current} onInput={(event) => setCurrent(event.currentTarget.value)} />
        </Field>
        <Field label={text.fresh} hint={text.freshHint} name="new_password">
          <input class="input" type="password" autocomplete="new-password" required minLength={8} maxLength={1024} value={fresh} onInput={(event) => setFresh(event.currentTarget.value)} />
        </Field>
      </div>
      <Problem fault={fault} />
      <div><Submit>{text.change}</Submit></div>
    </Form>
  );
}
