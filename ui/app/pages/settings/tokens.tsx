// API tokens: made, shown once, ended.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post, remove, serverNowMs } from "../../api/client.ts";
import { SCOPES, type ApiToken, type Scope } from "../../api/people.ts";
import type { ProjectRole } from "../../api/types.ts";
import { formatAgo, formatMoment } from "../../model/format.ts";
import { useAct } from "../../state/act.ts";
import { useList } from "../../state/list.ts";
import { me } from "../../state/session.ts";
import { settings, tokens as text } from "../../text/settings.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Confirm, Field, Form, Problem, Submit } from "../../ui/form.tsx";
import type { Column } from "../../ui/table.tsx";
import { toast } from "../../ui/toasts.tsx";
import { doHead, ListedTable } from "./listed.tsx";
import type { PartProps } from "./page.tsx";
import { Secret } from "./secret.tsx";

const DAY_MS = 86_400_000;

function stateOf(token: ApiToken, nowMs: number): keyof typeof text.states {
  if (token.revoked_at !== null) return "revoked";
  return token.expires_at !== null && Date.parse(token.expires_at) <= nowMs ? "expired" : "good";
}

/** Each scope has those before it in it. */
const widest = (scopes: readonly Scope[]): Scope => [...SCOPES].reverse().find((each) => scopes.includes(each)) ?? "read";

export function Tokens({ project }: PartProps): JSX.Element {
  const listed = useList<ApiToken>("/api_tokens", {});
  const [isMaking, setMaking] = useState(false);
  const [ending, setEnding] = useState<ApiToken | null>(null);
  const nowMs = serverNowMs();
  const projectName = (id: string | null): string => (id === null ? text.all : (me.value?.projects.find((each) => each.id === id)?.name ?? id));
  const head = text.columns;
  const columns: Column<ApiToken>[] = [
    { key: "name", head: head.name, title: (row) => row.name, cell: (row) => <><span>{row.name}</span> <span class="mono muted">{row.prefix}…</span></> },
    { key: "scopes", head: head.scopes, cell: (row) => text.scopes[widest(row.scopes)] },
    { key: "project", head: head.project, cell: (row) => projectName(row.project_id) },
    { key: "used", head: head.used, cell: (row) => (row.last_used_at === null ? settings.never : formatAgo(row.last_used_at, nowMs)) },
    { key: "expires", head: head.expires, cell: (row) => (row.expires_at === null ? settings.never : formatMoment(row.expires_at, project.timezone)) },
    { key: "state", head: head.state, cell: (row) => <span class="tag">{text.states[stateOf(row, nowMs)]}</span> },
    {
      key: "do", head: doHead(), isNumber: true, cell: (row) => stateOf(row, nowMs) === "good" && (
        <Button isSmall kind="danger" aria-label={text.revokeOf(row.name)} onClick={() => setEnding(row)}>{text.revoke}</Button>
      ),
    },
  ];
  const revoke = async (token: ApiToken): Promise<void> => {
    await remove(`/api_tokens/${encodeURIComponent(token.id)}`);
    toast(text.revoked(token.name));
    listed.asked.again();
  };
  return (
    <section class="card stack">
      <div class="settings-head">
        <div><h2>{settings.names.tokens}</h2><p class="muted small">{text.lead}</p></div>
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>{text.create}</Button>
      </div>
      <ListedTable listed={listed} caption={text.table} none={text.none} columns={columns} keyOf={(row) => row.id} />
      {isMaking && <Making project={project} onMade={listed.asked.again} onClose={() => setMaking(false)} />}
      {ending && (
        <Confirm title={text.revokeTitle(ending.name)} act={text.revoke} doing={text.revoking} onDo={() => revoke(ending)} onClose={() => setEnding(null)}>
          <p>{text.revokeText}</p>
        </Confirm>
      )}
    </section>
  );
}

function Making({ project, onMade, onClose }: { project: ProjectRole; onMade: () => void; onClose: () => void }): JSX.Element {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Scope>("read");
  const [isForAll, setForAll] = useState(false);
  const [days, setDays] = useState(90);
  const [secret, setSecret] = useState<string | null>(null);
  const act = useAct();
  const { fault, run } = act;
  const make = async (): Promise<void> => {
    const made = await post<{ token: string }>("/api_tokens", {
      name,
      scopes: SCOPES.slice(0, SCOPES.indexOf(scope) + 1),
      project_id: isForAll ? null : project.id,
      expires_at: days === 0 ? null : new Date(serverNowMs() + days * DAY_MS).toISOString(),
    });
    setSecret(made.token);
    onMade();
  };
  return (
    <Dialog title={text.create} onClose={onClose}>
      {secret !== null ? <Secret label={text.secret} lead={text.once} secret={secret} done={text.done} onDone={onClose} /> : (
        <Form act={act} onSend={() => void run(make)}>
          <Field label={text.name} hint={text.nameHint} name="name">
            <input class="input" required maxLength={100} autocomplete="off" value={name} onInput={(event) => setName(event.currentTarget.value)} />
          </Field>
          <Field label={text.scope} name="scopes">
            <select class="input" value={scope} onChange={(event) => setScope(event.currentTarget.value as Scope)}>
              {SCOPES.map((each) => <option key={each} value={each}>{text.scopes[each]}</option>)}
            </select>
          </Field>
          {me.value?.user.is_instance_admin && (
            <Field label={text.reach} name="project_id">
              <select class="input" value={isForAll ? "all" : "here"} onChange={(event) => setForAll(event.currentTarget.value === "all")}>
                <option value="here">{text.reachHere(project.name)}</option>
                <option value="all">{text.reachAll}</option>
              </select>
            </Field>
          )}
          <Field label={text.expires} name="expires_at">
            <select class="input" value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
              {Object.entries(text.lifetimes).map(([value, label]) => <option key={value} value={value}>{label}</option>)}
            </select>
          </Field>
          <Problem fault={fault} />
          <div class="dialog-foot"><Submit doing={settings.making}>{text.submit}</Submit></div>
        </Form>
      )}
    </Dialog>
  );
}
