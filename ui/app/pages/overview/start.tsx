// What a project without an event shows in the overview's place: how to send one, and then that it has come.
import type { JSX } from "preact";
import { get, projectPath } from "../../api/client.ts";
import type { Project, ProjectRole, SvEvent } from "../../api/types.ts";
import { formatMoment } from "../../model/format.ts";
import { eventLabel, propertyLabel } from "../../model/names.ts";
import { importCommand, sendCommand, snippetOf, TOKEN_VARIABLE } from "../../model/snippet.ts";
import { useAsk } from "../../state/ask.ts";
import { here } from "../../state/base.ts";
import { hrefOf, pathOf } from "../../state/router.ts";
import { start as text } from "../../text/start.ts";
import { Button } from "../../ui/button.tsx";
import { CodeBox } from "../../ui/copy.tsx";
import { Answer } from "../../ui/states.tsx";
import { Value } from "../../ui/value.tsx";

interface Ways {
  token: string | null;
  scriptPath: string;
}

async function waysOf(projectId: string, signal: AbortSignal): Promise<Ways> {
  const project = await get<Project>(projectPath(projectId), {}, signal);
  const token = project.project_tokens?.[0]?.token ?? null;
  if (token === null) return { token, scriptPath: "" };
  const config = await get<{ scriptPath: string }>("/ingest/config", { token }, signal);
  return { token, scriptPath: config.scriptPath };
}

export function Start({ project, first, onGo }: { project: ProjectRole; first: SvEvent | null; onGo: () => void }): JSX.Element {
  const ways = useAsk(project.id, (signal) => waysOf(project.id, signal));
  return (
    <div class="page start">
      <header class="page-head"><h1 tabIndex={-1}>{first ? text.arrived : text.title}</h1></header>
      <div role="status" class="card start-status">
        {first ? <Arrived event={first} timezone={project.timezone} onGo={onGo} /> : (
          <>
            <span class="live is-on">{text.listening}</span>
            <p class="muted">{text.lead(project.name)}</p>
          </>
        )}
      </div>
      {!first && <Answer asked={ways}>{(found) => <HowTo ways={found} projectId={project.id} />}</Answer>}
    </div>
  );
}

function HowTo({ ways, projectId }: { ways: Ways; projectId: string }): JSX.Element {
  if (ways.token === null) return <p class="card">{text.noToken}</p>;
  return (
    <>
      <section class="card stack">
        <div><h2>{text.pages}</h2><p class="muted small">{text.pagesText}</p></div>
        <CodeBox code={snippetOf(here(), ways.scriptPath, ways.token)} label={text.snippet} />
      </section>
      <section class="card stack">
        <div><h2>{text.programs}</h2><p class="muted small">{text.programsText}</p></div>
        <CodeBox code={sendCommand(here(), ways.token)} label={text.command} />
      </section>
      <section class="card stack">
        <div><h2>{text.files}</h2><p class="muted small">{text.filesText}</p></div>
        <CodeBox code={importCommand(here(), projectId)} label={text.importCommand} />
        <p class="muted small">{text.importToken[0]}<code>{TOKEN_VARIABLE}</code>{text.importToken[1]}</p>
        <div class="small"><a href={hrefOf(pathOf("settings", "tokens"))}>{text.tokens}</a></div>
      </section>
    </>
  );
}

function Arrived({ event, timezone, onGo }: { event: SvEvent; timezone: string; onGo: () => void }): JSX.Element {
  return (
    <div class="stack">
      <div>
        <h2>{eventLabel(event.event)}</h2>
        <p class="muted">{text.of(event.distinct_id)} · {formatMoment(event.timestamp, timezone)}</p>
      </div>
      <dl class="start-properties">
        {Object.entries(event.properties).slice(0, 12).map(([name, value]) => (
          <div key={name}><dt class="muted truncate" title={name}>{propertyLabel(name)}</dt><dd><Value of={value} property={name} /></dd></div>
        ))}
      </dl>
      <div><Button kind="primary" onClick={onGo}>{text.go}</Button></div>
    </div>
  );
}
