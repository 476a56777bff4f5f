// The list of smart events, a new one, and one of them: `/smart-events`, `/smart-events/new` and `/smart-events/<id>`.
import type { JSX } from "preact";
import { ApiFault, get, projectPath } from "../../api/client.ts";
import type { ProjectRole, SmartEvent } from "../../api/types.ts";
import { useAsk } from "../../state/ask.ts";
import { hrefOf } from "../../state/router.ts";
import { builder as text } from "../../text/smart.ts";
import { Answer, Empty } from "../../ui/states.tsx";
import type { PageProps } from "../registry.ts";
import { Builder } from "./builder.tsx";
import { List } from "./list.tsx";
import "./smart.css";

const NEW = "new";

export default function SmartPage({ project, rest }: PageProps): JSX.Element {
  const [id] = rest;
  if (id === undefined) return <List project={project} />;
  return id === NEW ? <Builder key={NEW} project={project} known={null} /> : <Known key={id} project={project} id={id} />;
}

async function smartOf(projectId: string, id: string, signal: AbortSignal): Promise<{ smart: SmartEvent | null }> {
  try {
    return { smart: await get<SmartEvent>(projectPath(projectId, "action_definitions", id), {}, signal) };
  } catch (error) {
    if (error instanceof ApiFault && error.status === 404) return { smart: null };
    throw error;
  }
}

function Known({ project, id }: { project: ProjectRole; id: string }): JSX.Element {
  const asked = useAsk(`${project.id} ${id}`, (signal) => smartOf(project.id, id, signal));
  const { data } = asked;
  if (data?.smart) return <Builder project={project} known={data.smart} />;
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{data ? text.unknown : id}</h1>
        <a class="button" href={hrefOf("/smart-events")}>{text.back}</a>
      </header>
      <Answer asked={asked}>{() => <div class="card"><Empty title={text.unknown}><p>{text.unknownText}</p></Empty></div>}</Answer>
    </div>
  );
}
