// The projects of this server.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post } from "../../api/client.ts";
import type { Project } from "../../api/types.ts";
import { formatMoment } from "../../model/format.ts";
import { useAct } from "../../state/act.ts";
import { useList } from "../../state/list.ts";
import { go, hrefOf } from "../../state/router.ts";
import { keepProject, loadMe } from "../../state/session.ts";
import { projects as text, settings } from "../../text/settings.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Field, Form, Problem, Submit } from "../../ui/form.tsx";
import type { Column } from "../../ui/table.tsx";
import { toast } from "../../ui/toasts.tsx";
import { ListedTable } from "./listed.tsx";
import type { PartProps } from "./page.tsx";
import { TimezoneInput } from "./timezone.tsx";

export function Projects({ project }: PartProps): JSX.Element {
  const listed = useList<Project>("/projects", {});
  const [isMaking, setMaking] = useState(false);
  const columns: Column<Project>[] = [
    { key: "name", head: text.columns.name, title: (row) => row.name, cell: (row) => <a href={hrefOf("/settings/project", { project: row.id })}>{row.name}</a> },
    { key: "id", head: text.columns.id, cell: (row) => <span class="mono">{row.id}</span> },
    { key: "timezone", head: text.columns.timezone, cell: (row) => row.timezone },
    { key: "created", head: text.columns.created, cell: (row) => formatMoment(row.created_at, project.timezone) },
  ];
  return (
    <section class="card stack">
      <div class="settings-head">
        <h2>{settings.names.projects}</h2>
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>{text.create}</Button>
      </div>
      <ListedTable listed={listed} caption={text.table} none={text.table} columns={columns} keyOf={(row) => row.id} />
      {isMaking && <Making onClose={() => setMaking(false)} />}
    </section>
  );
}

function Making({ onClose }: { onClose: () => void }): JSX.Element {
  const [name, setName] = useState("");
  const [id, setId] = useState("");
  const [timezone, setTimezone] = useState(Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
  const act = useAct();
  const { fault, run } = act;
  const make = async (): Promise<void> => {
    const made = await post<Project>("/projects", { name, timezone, ...(id !== "" && { id }) });
    keepProject(made);
    void loadMe();
    toast(text.made(name));
    onClose();
    go(hrefOf("/settings/install", { project: made.id }));
  };
  return (
    <Dialog title={text.create} onClose={onClose}>
      <Form act={act} onSend={() => void run(make)}>
        <Field label={text.name} name="name"><input class="input" required maxLength={100} autocomplete="off" value={name} onInput={(event) => setName(event.currentTarget.value)} /></Field>
        <Field label={text.timezone} name="timezone"><TimezoneInput value={timezone} onChange={setTimezone} /></Field>
        <Field label={text.id} hint={text.idHint} name="id"><input class="input" autocomplete="off" spellcheck={false} value={id} onInput={(event) => setId(event.currentTarget.value)} /></Field>
        <Problem fault={fault} />
        <div class="dialog-foot"><Submit doing={settings.making}>{text.submit}</Submit></div>
      </Form>
    </Dialog>
  );
}
