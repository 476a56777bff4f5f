import type { JSX } from "preact";
import { get, projectPath, type Parameters } from "../../api/client.ts";
import type { Page, Person, ProjectRole } from "../../api/types.ts";
import type { Session } from "../../api/sessions.ts";
import { pathOfUrl } from "../../model/addresses.ts";
import { formatDuration, formatMoment, formatNumber } from "../../model/format.ts";
import { withWhat } from "../../model/names.ts";
import type { Range } from "../../model/range.ts";
import { dayOfRange } from "../../state/day.ts";
import { useList } from "../../state/list.ts";
import { hrefOf, pathOf } from "../../state/router.ts";
import { changeRange, parameter, readScope } from "../../state/scope.ts";
import { sessions as text } from "../../text/sessions.ts";
import { Button } from "../../ui/button.tsx";
import { AddressChoice, AddressField, AddressValue, ClearAddress } from "../../ui/address-fields.tsx";
import type { Suggestion } from "../../ui/combobox.tsx";
import { DateRange } from "../../ui/date-range.tsx";
import { Icon } from "../../ui/icons.tsx";
import { Answer, Empty, Fault, Skeleton } from "../../ui/states.tsx";

const USUAL: Range = { from: "-6d", to: null };
/** Parameters of the address, by those of the API. */
const FILTERS = {
  distinct_id: "person", entry_url: "entry", country: "country", device_type: "device", browser: "browser", min_duration: "min", is_bounce: "bounce",
} as const;
const NAMES = Object.values(FILTERS);

export function List({ project }: { project: ProjectRole }): JSX.Element {
  const { range } = readScope(USUAL);
  const query: Parameters = { date_from: range.from, date_to: range.to };
  for (const [name, written] of Object.entries(FILTERS)) query[name] = parameter(written);
  const listed = useList<Session>(projectPath(project.id, "sessions"), query, dayOfRange(range));
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{text.title}</h1>
        <DateRange range={range} onChange={changeRange} />
      </header>
      <Filters projectId={project.id} />
      <Answer asked={listed.asked} skeleton={<Skeleton height="30rem" />}>
        {(rows) => <Rows rows={rows} timezone={project.timezone} />}
      </Answer>
      {listed.moreFault && <Fault fault={listed.moreFault} onAgain={listed.showMore} />}
      {listed.hasMore && <Button onClick={listed.showMore} disabled={listed.isLoadingMore}>{listed.isLoadingMore ? text.loadingMore : text.more}</Button>}
    </div>
  );
}

function Filters({ projectId }: { projectId: string }): JSX.Element {
  return (
    <div class="address-fields" role="group" aria-label={text.title}>
      <AddressField name="person" label={text.person} placeholder={text.anyPerson} suggest={(typed, signal) => suggestPersons(projectId, typed, signal)} />
      <AddressValue name="entry" label={text.entry} placeholder={text.anyEntry} property="$current_url" projectId={projectId} />
      <AddressValue name="country" label={text.country} placeholder={text.anyCountry} property="$country" projectId={projectId} />
      <AddressValue name="device" label={text.device} placeholder={text.anyDevice} property="$device_type" projectId={projectId} />
      <AddressValue name="browser" label={text.browser} placeholder={text.anyBrowser} property="$browser" projectId={projectId} />
      <AddressChoice name="min" label={text.duration} options={text.durations} />
      <AddressChoice name="bounce" label={text.bounce} options={text.bounces} />
      <ClearAddress names={NAMES} />
    </div>
  );
}

async function suggestPersons(projectId: string, typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  const page = await get<Page<Person>>(projectPath(projectId, "persons"), { limit: 20, search: typed.trim() }, signal);
  return page.data.map((person) => {
    const note = [person.properties["email"], person.properties["name"]].find((value) => typeof value === "string");
    return { value: person.distinct_id, ...(typeof note === "string" && { note }) };
  });
}

function Rows({ rows, timezone }: { rows: readonly Session[]; timezone: string }): JSX.Element {
  if (rows.length === 0) return <div class="card"><Empty title={text.none}><p>{text.noneText}</p></Empty></div>;
  return (
    <div class="card sessions-card">
      <table class="table sessions">
        <caption class="visually-hidden">{text.caption}</caption>
        <thead>
          <tr>
            <th scope="col">{text.columns.person}</th>
            <th scope="col" class="wide">{text.columns.way}</th>
            <th scope="col" class="wide">{text.columns.device}</th>
            <th scope="col" class="number wide">{text.columns.pages}</th>
            <th scope="col" class="number">{text.columns.duration}</th>
            <th scope="col" class="number">{text.columns.started}</th>
          </tr>
        </thead>
        <tbody>{rows.map((row) => <Row key={row.id} row={row} timezone={timezone} />)}</tbody>
      </table>
    </div>
  );
}

function Row({ row, timezone }: { row: Session; timezone: string }): JSX.Element {
  const [entry, exit] = [pathOfUrl(row.entry_url), pathOfUrl(row.exit_url)];
  return (
    <tr>
      <th scope="row">
        <a class="session-link" href={hrefOf(pathOf("sessions", row.id))} title={row.distinct_id}>
          {row.has_recording && <span class="recorded"><Icon name="play" /><span class="visually-hidden">{text.recorded}</span></span>}
          <span class="truncate">{row.distinct_id}</span>
        </a>
      </th>
      <td class="truncate wide muted" title={[row.entry_url, row.exit_url].filter(Boolean).join(" – ")}>
        <bdi dir="ltr">{entry ?? text.noPage}</bdi>{entry !== null && exit !== null && exit !== entry && <> – <bdi dir="ltr">{exit}</bdi></>}
      </td>
      <td class="truncate wide muted" title={withWhat(row)}>{withWhat(row)}</td>
      <td class="number wide">{formatNumber(row.pageview_count)}</td>
      <td class="number">{formatDuration(row.duration)}</td>
      <td class="number muted"><time dateTime={row.started_at}>{formatMoment(row.started_at, timezone)}</time></td>
    </tr>
  );
}
