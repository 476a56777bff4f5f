import type { JSX } from "preact";
import { projectPath, type Parameters } from "../../api/client.ts";
import type { Person, ProjectRole } from "../../api/types.ts";
import { formatMoment, formatNumber } from "../../model/format.ts";
import { personLabel, withWhat } from "../../model/names.ts";
import { useList } from "../../state/list.ts";
import { hrefOf, pathOf } from "../../state/router.ts";
import { parameter } from "../../state/scope.ts";
import { persons as text } from "../../text/persons.ts";
import { AddressChoice, AddressSearch, AddressValue, ClearAddress } from "../../ui/address-fields.tsx";
import { Button } from "../../ui/button.tsx";
import { Answer, Empty, Fault, Skeleton } from "../../ui/states.tsx";

/** Parameters of the address, by those of the API. */
const FILTERS = { search: "q", country: "country", device_type: "device", browser: "browser", has_user_id: "identified" } as const;
const NAMES = Object.values(FILTERS);
const MAX_SEARCH_CHARS = 200;

export function List({ project }: { project: ProjectRole }): JSX.Element {
  const query: Parameters = {};
  for (const [name, written] of Object.entries(FILTERS)) query[name] = parameter(written);
  const listed = useList<Person>(projectPath(project.id, "persons"), query);
  const isFiltered = NAMES.some((name) => parameter(name));
  const values = { projectId: project.id };
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{text.title}</h1>
      </header>
      <div class="address-fields" role="group" aria-label={text.title}>
        <AddressSearch name="q" label={text.search} maxLength={MAX_SEARCH_CHARS} />
        <AddressValue name="country" label={text.country} placeholder={text.anyCountry} property="$country" {...values} />
        <AddressValue name="device" label={text.device} placeholder={text.anyDevice} property="$device_type" {...values} />
        <AddressValue name="browser" label={text.browser} placeholder={text.anyBrowser} property="$browser" {...values} />
        <AddressChoice name="identified" label={text.known} options={text.knowns} />
        <ClearAddress names={NAMES} />
      </div>
      <Answer asked={listed.asked} skeleton={<Skeleton height="30rem" />}>
        {(rows) => <Rows rows={rows} timezone={project.timezone} isFiltered={isFiltered} />}
      </Answer>
      {listed.moreFault && <Fault fault={listed.moreFault} onAgain={listed.showMore} />}
      {listed.hasMore && <Button onClick={listed.showMore} disabled={listed.isLoadingMore}>{listed.isLoadingMore ? text.loadingMore : text.more}</Button>}
    </div>
  );
}

function Rows({ rows, timezone, isFiltered }: { rows: readonly Person[]; timezone: string; isFiltered: boolean }): JSX.Element {
  if (rows.length === 0) {
    return (
      <div class="card">
        <Empty title={isFiltered ? text.none : text.nobody}><p>{isFiltered ? text.noneText : text.nobodyText}</p></Empty>
      </div>
    );
  }
  const { columns } = text;
  return (
    <div class="card listing-card">
      <table class="table listing persons">
        <caption class="visually-hidden">{text.caption}</caption>
        <thead>
          <tr>
            <th scope="col">{columns.person}</th>
            <th scope="col" class="wide">{columns.with}</th>
            <th scope="col" class="number wide">{columns.events}</th>
            <th scope="col" class="number wide">{columns.sessions}</th>
            <th scope="col" class="number">{columns.first}</th>
            <th scope="col" class="number wide">{columns.last}</th>
          </tr>
        </thead>
        <tbody>{rows.map((row) => <Row key={row.distinct_id} row={row} timezone={timezone} />)}</tbody>
      </table>
    </div>
  );
}

function Row({ row, timezone }: { row: Person; timezone: string }): JSX.Element {
  const name = personLabel(row);
  return (
    <tr>
      <th scope="row">
        <span class="listing-name">
          <a class="truncate" href={hrefOf(pathOf("persons", row.distinct_id))} title={row.distinct_id}>{name}</a>
          {name !== row.distinct_id && <span class="truncate muted">{row.distinct_id}</span>}
        </span>
      </th>
      <td class="truncate wide muted" title={withWhat(row)}>{withWhat(row)}</td>
      <td class="number wide">{formatNumber(row.event_count)}</td>
      <td class="number wide">{formatNumber(row.session_count)}</td>
      <td class="number muted"><time dateTime={row.first_seen}>{formatMoment(row.first_seen, timezone)}</time></td>
      <td class="number wide muted"><time dateTime={row.last_seen}>{formatMoment(row.last_seen, timezone)}</time></td>
    </tr>
  );
}
