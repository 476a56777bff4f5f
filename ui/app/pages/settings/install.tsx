// The snippet that a page needs, and the project token in it.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, post, projectPath } from "../../api/client.ts";
import type { Project, ProjectToken } from "../../api/types.ts";
import { formatMoment } from "../../model/format.ts";
import { snippetOf } from "../../model/snippet.ts";
import { useAsk } from "../../state/ask.ts";
import { here } from "../../state/base.ts";
import { install as text, settings } from "../../text/settings.ts";
import { Button } from "../../ui/button.tsx";
import { CodeBox } from "../../ui/copy.tsx";
import { Confirm, Field } from "../../ui/form.tsx";
import { Answer, Empty, Skeleton } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { PartProps } from "./page.tsx";

interface Found {
  tokens: ProjectToken[];
  scriptPath: string;
}

async function find(projectId: string, signal: AbortSignal): Promise<Found> {
  const tokens = (await get<Project>(projectPath(projectId), {}, signal)).project_tokens ?? [];
  const [first] = tokens;
  if (!first) return { tokens, scriptPath: "" };
  const config = await get<{ scriptPath: string }>("/ingest/config", { token: first.token }, signal);
  return { tokens, scriptPath: config.scriptPath };
}

export function Install({ project }: PartProps): JSX.Element {
  const asked = useAsk(project.id, (signal) => find(project.id, signal));
  const [isAsked, setAsked] = useState(false);
  const [hours, setHours] = useState(24);
  const columns: Column<ProjectToken>[] = [
    { key: "token", head: text.columns.token, cell: (row) => <span class="mono">{row.token}</span> },
    { key: "created", head: text.columns.created, cell: (row) => formatMoment(row.created_at, project.timezone) },
    { key: "expires", head: text.columns.expires, cell: (row) => (row.expires_at === null ? settings.never : formatMoment(row.expires_at, project.timezone)) },
  ];
  const rotate = async (): Promise<void> => {
    await post(projectPath(project.id, "rotate_token"), { overlap_hours: hours });
    toast(text.rotated);
    asked.again();
  };
  return (
    <Answer asked={asked} skeleton={<Skeleton height="24rem" />}>
      {({ tokens, scriptPath }) => (
        <>
          <section class="card stack">
            <div><h2>{text.snippet}</h2><p class="muted small">{text.snippetText}</p></div>
            {tokens[0] ? <CodeBox code={snippetOf(here(), scriptPath, tokens[0].token)} label={text.snippet} /> : <Empty title={text.noToken} />}
          </section>
          <section class="card stack">
            <div class="settings-head">
              <h2>{text.token}</h2>
              <Button icon="refresh" onClick={() => setAsked(true)}>{text.rotate}</Button>
            </div>
            <Table caption={text.tokens} columns={columns} rows={tokens} keyOf={(row) => row.token} />
          </section>
          {isAsked && (
            <Confirm title={text.rotateTitle} act={text.rotate} doing={settings.making} onDo={rotate} onClose={() => setAsked(false)}>
              <p>{text.rotateText}</p>
              <Field label={text.overlap} name="overlap_hours">
                <select class="input" value={hours} onChange={(event) => setHours(Number(event.currentTarget.value))}>
                  {Object.entries(text.overlaps).map(([value, label]) => <option key={value} value={value}>{label}</option>)}
                </select>
              </Field>
            </Confirm>
          )}
        </>
      )}
    </Answer>
  );
}
