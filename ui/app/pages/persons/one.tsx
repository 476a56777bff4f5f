import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { API, projectPath } from "../../api/client.ts";
import { personOf } from "../../api/persons.ts";
import type { Session } from "../../api/sessions.ts";
import type { Person, ProjectRole } from "../../api/types.ts";
import { dayOf, formatDuration, formatMoment, formatNumber } from "../../model/format.ts";
import { personLabel, withWhat } from "../../model/names.ts";
import { useAsk } from "../../state/ask.ts";
import { useList, type Listed } from "../../state/list.ts";
import { hrefOf, pathOf } from "../../state/router.ts";
import { mayAdminister } from "../../state/session.ts";
import { useDetailTitle } from "../../state/title.ts";
import { person as text } from "../../text/persons.ts";
import { Button } from "../../ui/button.tsx";
import { Properties } from "../../ui/event-line.tsx";
import { Facts } from "../../ui/facts.tsx";
import { Icon } from "../../ui/icons.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { EraseDialog } from "./erase.tsx";
import { Timeline } from "./timeline.tsx";

export function One({ project, id }: { project: ProjectRole; id: string }): JSX.Element {
  const asked = useAsk<{ person: Person | null }>(`${project.id} ${id}`, async (signal) => ({ person: await personOf(project.id, id, signal) }));
  const found = asked.data?.person;
  useDetailTitle(found ? personLabel(found) : id);
  const [isErasing, setErasing] = useState(false);
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1} class="truncate" title={id}>{found ? personLabel(found) : id}</h1>
        {found && mayAdminister.value && (
          <>
            <a class="button" href={API + projectPath(project.id, "persons", id, "export")} download="person.ndjson" title={text.takeTitle}>
              <Icon name="download" />
              {text.take}
            </a>
            <Button kind="danger" icon="trash" onClick={() => setErasing(true)}>{text.erase}</Button>
          </>
        )}
        <a class="button" href={hrefOf("/persons")}>{text.back}</a>
      </header>
      <Answer asked={asked}>
        {({ person }) => (person ? <Shown project={project} person={person} /> : <div class="card"><Empty title={text.unknown}><p>{text.unknownText}</p></Empty></div>)}
      </Answer>
      {found && isErasing && <EraseDialog projectId={project.id} person={found} onClose={() => setErasing(false)} />}
    </div>
  );
}

function Shown({ project, person }: { project: ProjectRole; person: Person }): JSX.Element {
  const { id, timezone } = project;
  const sessions = useList<Session>(projectPath(id, "persons", person.distinct_id, "sessions"), {});
  const device = withWhat(person);
  return (
    <>
      <Facts
        facts={[
          [text.id, <span class="mono">{person.distinct_id}</span>, person.distinct_id],
          [text.kind, person.user_id === null ? text.anonymous : text.identified],
          [text.first, formatMoment(person.first_seen, timezone)],
          [text.last, formatMoment(person.last_seen, timezone)],
          [text.events, formatNumber(person.event_count)],
          [text.sessions, formatNumber(person.session_count)],
          [text.with, device || "–"],
        ]}
      />
      <div class="person">
        <Timeline projectId={id} timezone={timezone} personId={person.distinct_id} sessions={sessions.asked.data ?? []} />
        <div class="stack">
          <section class="card" aria-labelledby="traits">
            <h2 id="traits">{text.traits}</h2>
            {Object.keys(person.properties).length === 0 ? <p class="muted small">{text.noTraits}</p> : <Properties label={text.traits} of={person.properties} />}
          </section>
          <Sessions listed={sessions} person={person} timezone={timezone} />
        </div>
      </div>
    </>
  );
}

const SHOWN = 8;

function Sessions({ listed, person, timezone }: { listed: Listed<Session>; person: Person; timezone: string }): JSX.Element {
  return (
    <section class="card" aria-labelledby="sessions">
      <h2 id="sessions">{text.sessionCaption}</h2>
      <Answer asked={listed.asked}>
        {(rows) => (
          <ul class="person-sessions">
            {rows.slice(0, SHOWN).map((row) => {
              const started = formatMoment(row.started_at, timezone);
              return (
                <li key={row.id} class="row">
                  <a class="grow" href={hrefOf(pathOf("sessions", row.id))}>{started}</a>
                  <span class="muted">{formatDuration(row.duration)}</span>
                  {row.has_recording && <span class="recorded" title={text.recorded}><Icon name="play" /><span class="visually-hidden">{text.recorded}</span></span>}
                </li>
              );
            })}
          </ul>
        )}
      </Answer>
      {/* From the beginning: the page of sessions shows some days as a rule. */}
      <a class="small" href={hrefOf("/sessions", { person: person.distinct_id, from: dayOf(Date.parse(person.first_seen), timezone) })}>{text.allSessions}</a>
    </section>
  );
}
