// What a person did, the latest first, under the session that it belongs to.
import type { JSX } from "preact";
import { projectPath } from "../../api/client.ts";
import type { Session } from "../../api/sessions.ts";
import type { SvEvent } from "../../api/types.ts";
import { formatDuration, formatMoment } from "../../model/format.ts";
import { useList } from "../../state/list.ts";
import { hrefOf, pathOf } from "../../state/router.ts";
import { person as text } from "../../text/persons.ts";
import { Button } from "../../ui/button.tsx";
import { EventLine } from "../../ui/event-line.tsx";
import { Icon } from "../../ui/icons.tsx";
import { Answer, Fault, Skeleton } from "../../ui/states.tsx";

interface Visit {
  sessionId: string;
  events: SvEvent[];
}

/** Events in the order they came, parted where the session changes: two tabs may make one session appear twice. */
export function visitsOf(events: readonly SvEvent[]): Visit[] {
  const visits: Visit[] = [];
  for (const event of events) {
    const last = visits.at(-1);
    if (last?.sessionId === event.session_id) last.events.push(event);
    else visits.push({ sessionId: event.session_id, events: [event] });
  }
  return visits;
}

export function Timeline({ projectId, timezone, personId, sessions }: {
  projectId: string;
  timezone: string;
  personId: string;
  sessions: readonly Session[];
}): JSX.Element {
  const listed = useList<SvEvent>(projectPath(projectId, "persons", personId, "events"), {});
  return (
    <section class="card person-timeline" aria-labelledby="timeline">
      <h2 id="timeline">{text.timeline}</h2>
      <Answer asked={listed.asked} skeleton={<Skeleton height="20rem" />}>
        {(events) => (events.length === 0 ? <p class="muted">{text.events0}</p> : (
          <ol class="visits">
            {visitsOf(events).map((visit) => (
              <OneVisit key={visit.events[0]?.id} visit={visit} timezone={timezone} session={sessions.find((each) => each.id === visit.sessionId)} />
            ))}
          </ol>
        ))}
      </Answer>
      {listed.moreFault && <Fault fault={listed.moreFault} onAgain={listed.showMore} />}
      {listed.hasMore && <Button onClick={listed.showMore} disabled={listed.isLoadingMore}>{text.moreEvents}</Button>}
    </section>
  );
}

function OneVisit({ visit, session, timezone }: { visit: Visit; session: Session | undefined; timezone: string }): JSX.Element {
  const started = formatMoment(session?.started_at ?? visit.events.at(-1)?.timestamp ?? "", timezone);
  const href = hrefOf(pathOf("sessions", visit.sessionId));
  return (
    <li>
      <div class="row visit-head">
        <h3 class="grow truncate">{text.session(started)}</h3>
        {session && <span class="muted number">{formatDuration(session.duration)}</span>}
        {session?.has_recording
          ? <a class="button is-small" href={href} aria-label={text.watchTitle(started)}><Icon name="play" />{text.watch}</a>
          : <a class="button is-small is-quiet" href={href} aria-label={text.openTitle(started)}>{text.open}</a>}
      </div>
      <ol>{visit.events.map((event) => <EventLine key={event.id} event={event} timezone={timezone} />)}</ol>
    </li>
  );
}
