import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { SvEvent } from "../../api/types.ts";
import { suggestEvents } from "../../api/definitions.ts";
import { readable } from "../../model/addresses.ts";
import { formatMoment } from "../../model/format.ts";
import { eventLabel, propertyLabel } from "../../model/names.ts";
import type { Range } from "../../model/range.ts";
import { dayOfRange } from "../../state/day.ts";
import { setParameters } from "../../state/router.ts";
import { changeFilters, changeRange, parameter, readScope } from "../../state/scope.ts";
import { events as text } from "../../text/events.ts";
import { Button } from "../../ui/button.tsx";
import { Combobox } from "../../ui/combobox.tsx";
import { DateRange } from "../../ui/date-range.tsx";
import { FilterBar } from "../../ui/filter-bar.tsx";
import { Icon } from "../../ui/icons.tsx";
import { Answer, Empty, Skeleton } from "../../ui/states.tsx";
import { PersonLink, SessionLink } from "../../ui/links.tsx";
import { MakeSmart } from "../../ui/make-smart.tsx";
import { Value } from "../../ui/value.tsx";
import type { PageProps } from "../registry.ts";
import { useFeed } from "./feed.ts";
import "./events.css";

const USUAL: Range = { from: "-6d", to: null };

export default function EventsPage({ project }: PageProps): JSX.Element {
  const { range, filters } = readScope(USUAL);
  const event = parameter("event") ?? "";
  const [isLive, setLive] = useState(true);
  const query = { date_from: range.from, date_to: range.to, event, filters: filters.length > 0 ? JSON.stringify(filters) : null };
  const feed = useFeed(project.id, query, dayOfRange(range), isLive);
  const toggle = (): void => setLive(!isLive);
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{text.title}</h1>
        <span class={`live${isLive && !feed.asked.fault ? " is-on" : ""}`}>{isLive ? text.live : text.paused}</span>
        <Button icon={isLive ? "pause" : "play"} onClick={toggle}>{isLive ? text.pause : text.resume}</Button>
        <DateRange range={range} onChange={changeRange} />
      </header>
      <div class="row events-filters">
        <Combobox
          label={text.event} isLabelHidden placeholder={text.anyEvent} value={event} labelOf={eventLabel} areNames
          suggest={(typed, signal) => suggestEvents(project.id, typed, signal)} onChange={(chosen) => setParameters({ event: chosen || null })}
        />
        <FilterBar projectId={project.id} filters={filters} onChange={changeFilters} event={event || null} />
      </div>
      <div role="status" class="waiting">
        {!isLive && feed.waiting > 0 && <Button isSmall icon="up" onClick={toggle}>{text.newer(feed.waiting, feed.hasMoreWaiting)}</Button>}
      </div>
      <Answer asked={feed.asked} skeleton={<Skeleton height="30rem" />}>{(rows) => <Rows rows={rows} timezone={project.timezone} />}</Answer>
      {feed.cursor !== null && (
        <Button onClick={feed.showMore} disabled={feed.isLoadingMore}>{feed.isLoadingMore ? text.loadingMore : text.more}</Button>
      )}
    </div>
  );
}

export function Rows({ rows, timezone }: { rows: readonly SvEvent[]; timezone: string }): JSX.Element {
  if (rows.length === 0) return <div class="card"><Empty title={text.none}><p>{text.noneText}</p></Empty></div>;
  return (
    <div class="card events-card">
      <table class="table events">
        <caption class="visually-hidden">{text.caption}</caption>
        <thead>
          <tr>
            <th scope="col">{text.columns.event}</th>
            <th scope="col">{text.columns.person}</th>
            <th scope="col" class="wide">{text.columns.where}</th>
            <th scope="col" class="number">{text.columns.time}</th>
          </tr>
        </thead>
        <tbody>{rows.map((row) => <Row key={row.id} row={row} timezone={timezone} />)}</tbody>
      </table>
    </div>
  );
}

function Row({ row, timezone }: { row: SvEvent; timezone: string }): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const url = row.properties["$current_url"];
  return (
    <>
      <tr class={isOpen ? "is-open" : ""}>
        <th scope="row">
          <button type="button" class="expander" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} title={row.event}>
            <Icon name="chevron" />
            <span class="truncate">{eventLabel(row.event)}</span>
          </button>
        </th>
        <td class="truncate" title={row.distinct_id}><PersonLink id={row.distinct_id} /></td>
        <td class="truncate wide muted" title={typeof url === "string" ? url : ""}>{typeof url === "string" ? readable(url) : ""}</td>
        <td class="number muted"><time dateTime={row.timestamp}>{formatMoment(row.timestamp, timezone)}</time></td>
      </tr>
      {isOpen && (
        <tr class="details">
          <td colSpan={4}><Details row={row} timezone={timezone} /><MakeSmart of={row} /></td>
        </tr>
      )}
    </>
  );
}

function Details({ row, timezone }: { row: SvEvent; timezone: string }): JSX.Element {
  return (
    <dl class="properties" aria-label={text.details(row.event)}>
      <Item name={text.id} value={<span class="mono">{row.id}</span>} />
      <Item name={text.session} value={<SessionLink id={row.session_id} />} />
      <Item name={text.received} value={formatMoment(row.received_at, timezone)} />
      {row.groups.length > 0 && <Item name={text.groups} value={row.groups.join(", ")} />}
      {Object.entries(row.properties).map(([name, value]) => (
        <Item key={name} name={propertyLabel(name)} title={name} value={<Value of={value} property={name} />} />
      ))}
    </dl>
  );
}

function Item({ name, title, value }: { name: string; title?: string; value: JSX.Element | string }): JSX.Element {
  return (
    <>
      <dt class="muted truncate" title={title ?? name}>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
