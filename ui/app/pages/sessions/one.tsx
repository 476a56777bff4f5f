import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { serverNowMs } from "../../api/client.ts";
import type { ProjectRole, SvEvent } from "../../api/types.ts";
import { newEvents, sessionEvents, sessionOf, type Happened, type Session } from "../../api/sessions.ts";
import { pathOfUrl, readable } from "../../model/addresses.ts";
import { formatDuration, formatMoment, formatNumber } from "../../model/format.ts";
import { eventLabel, withWhat } from "../../model/names.ts";
import { useAct, type Act } from "../../state/act.ts";
import { isOfNow, useAsk } from "../../state/ask.ts";
import { useLooks } from "../../state/looks.ts";
import { hrefOf } from "../../state/router.ts";
import { useDetailTitle } from "../../state/title.ts";
import { replay, session as text } from "../../text/sessions.ts";
import { Button } from "../../ui/button.tsx";
import { PersonLink } from "../../ui/links.tsx";
import { EventLine } from "../../ui/event-line.tsx";
import { Facts, type Fact } from "../../ui/facts.tsx";
import { Answer, Empty, Fault } from "../../ui/states.tsx";
import { clock, goesOn } from "./names.ts";
import { Player, type Moment } from "./player.tsx";

interface Whole extends Happened {
  session: Session | null;
}

export function One({ project, id }: { project: ProjectRole; id: string }): JSX.Element {
  const asked = useAsk<Whole>(`${project.id} ${id}`, async (signal) => {
    const session = await sessionOf(project.id, id, signal);
    return { session, ...(session ? await sessionEvents(project.id, id, signal) : { events: [], earlier: null }) };
  });
  const loaded = asked.data;
  const [more, setMore] = useState<{ since: Whole; whole: Whole } | null>(null);
  const shown = more && more.since === loaded ? more.whole : loaded;
  const change = (changed: (whole: Whole) => Whole): void => {
    if (loaded) setMore((before) => ({ since: loaded, whole: changed(before && before.since === loaded ? before.whole : loaded) }));
  };
  useLooks(loaded && isOfNow(asked) ? `${project.id} ${id}` : null, async (signal) => {
    if (!shown?.session || !goesOn(Date.parse(shown.session.ended_at), serverNowMs())) return;
    const session = await sessionOf(project.id, id, signal);
    if (!session || JSON.stringify(session) === JSON.stringify(shown.session)) return;
    const added = await newEvents(project.id, id, shown.events, session.event_count - shown.session.event_count, signal);
    if (added) return change((whole) => ({ ...whole, session, events: inOrder([...whole.events, ...added]) }));
    const anew = await sessionEvents(project.id, id, signal, null, shown.events.length);
    change(() => ({ session, ...anew }));
  });
  const acting = useAct();
  const showEarlier = (): void => void acting.run(async () => {
    const from = shown?.earlier;
    if (!from) return;
    const before = await sessionEvents(project.id, id, new AbortController().signal, from);
    change((whole) => (whole.earlier === from ? { ...whole, events: [...before.events, ...whole.events], earlier: before.earlier } : whole));
  });
  const session = shown?.session;
  useDetailTitle(session ? `${session.distinct_id}, ${formatMoment(session.started_at, project.timezone)}` : id);
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{text.title}</h1>
        <a class="button" href={hrefOf("/sessions")}>{text.back}</a>
      </header>
      <Answer asked={asked}>{(whole) => <Shown project={project} id={id} {...(shown ?? whole)} before={{ ...acting, show: showEarlier }} />}</Answer>
    </div>
  );
}

const inOrder = (events: SvEvent[]): SvEvent[] => events.sort((one, other) => Date.parse(one.timestamp) - Date.parse(other.timestamp));

type Before = Pick<Act, "isBusy" | "fault"> & { show: () => void };

function Shown({ project, id, session, events, earlier, before }: Whole & { project: ProjectRole; id: string; before: Before }): JSX.Element {
  const [moment, setMoment] = useState<Moment | null>(null);
  const [isUnknown, setUnknown] = useState(false);
  const isRecorded = session?.has_recording ?? true;
  if (isUnknown && !session) return <div class="card"><Empty title={text.unknown}><p>{text.unknownText}</p></Empty></div>;
  return (
    <>
      {session ? <FactsOf session={session} timezone={project.timezone} /> : <p class="muted">{text.onlyRecording}</p>}
      <div class={`watch${isRecorded ? " is-recorded" : ""}`}>
        <Player projectId={project.id} sessionId={id} isExpected={isRecorded} lastMs={session ? Date.parse(session.ended_at) : 0} events={events} onMoment={setMoment} onNone={() => setUnknown(true)} />
        {session && <Timeline session={session} events={events} moment={moment} timezone={project.timezone} before={earlier === null ? null : before} />}
      </div>
    </>
  );
}

function FactsOf({ session, timezone }: { session: Session; timezone: string }): JSX.Element {
  const facts: Fact[] = [
    [text.person, <PersonLink id={session.distinct_id} />, session.distinct_id],
    [text.started, formatMoment(session.started_at, timezone)],
    [text.duration, formatDuration(session.duration)],
    [text.pages, formatNumber(session.pageview_count)],
    [text.from, session.referrer ? readable(session.referrer) : text.direct, session.referrer ?? ""],
    [text.entry, pathOfUrl(session.entry_url) ?? "–", session.entry_url ?? ""],
    [text.exit, pathOfUrl(session.exit_url) ?? "–", session.exit_url ?? ""],
    [text.with, withWhat(session) || "–", withWhat(session)],
  ];
  return <Facts facts={facts} />;
}

function Timeline({ session, events, moment, timezone, before }: {
  session: Session;
  events: readonly SvEvent[];
  moment: Moment | null;
  timezone: string;
  /** What there is to be had of before these; null: nothing. */
  before: Before | null;
}): JSX.Element {
  const times = useMemo(() => events.map((event) => Date.parse(event.timestamp)), [events]);
  const latest = useRef(moment);
  latest.current = moment;
  const { startMs = null, wholeMs = 0 } = moment ?? {};
  const current = moment ? times.findLastIndex((at) => at <= moment.startMs + moment.atMs) : -1;
  const line = (event: SvEvent, place: number, isCurrent: boolean): JSX.Element => {
    const atMs = (times[place] ?? 0) - (startMs ?? 0);
    const shownMs = startMs !== null && atMs >= 0 && atMs <= wholeMs ? atMs : null;
    return <Line key={event.id} event={event} atMs={shownMs} onGo={(ms) => latest.current?.goTo(ms)} isCurrent={isCurrent} timezone={timezone} />;
  };
  // A recording moves on five times a second: of thousands of lines only those are made anew that begin or end to be the current one.
  const lines = useMemo(() => events.map((event, place) => line(event, place, false)), [events, startMs, wholeMs, timezone]);
  const now = events[current];
  return (
    <section class="card timeline" aria-labelledby="timeline">
      <h2 id="timeline">{text.timeline}</h2>
      {events.length === 0 && <p class="muted">{text.noEvents}</p>}
      {events.length < session.event_count && events.length > 0 && (
        <div class="row">
          <p class="muted">{text.cut(formatNumber(events.length), formatNumber(session.event_count))}</p>
          {before && <Button isSmall onClick={before.show} disabled={before.isBusy}>{text.earlier}</Button>}
        </div>
      )}
      {before?.fault && <Fault fault={before.fault} onAgain={before.show} />}
      <ol>{now ? [...lines.slice(0, current), line(now, current, true), ...lines.slice(current + 1)] : lines}</ol>
    </section>
  );
}

/** atMs: its place in the recording, if it is in it. */
function Line({ event, atMs, onGo, isCurrent, timezone }: {
  event: SvEvent;
  atMs: number | null;
  onGo: (atMs: number) => void;
  isCurrent: boolean;
  timezone: string;
}): JSX.Element {
  return (
    <EventLine event={event} timezone={timezone} isCurrent={isCurrent}>
      {atMs !== null && (
        <button type="button" class="moment" onClick={() => onGo(atMs)} aria-label={replay.goTo(eventLabel(event.event), clock(atMs))}>{clock(atMs)}</button>
      )}
    </EventLine>
  );
}
