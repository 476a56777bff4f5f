// Who is behind a figure of a funnel: persons, newest first, a page at a time.
import type { JSX } from "preact";
import { post, projectPath } from "../../api/client.ts";
import type { Funnel, Page, Person } from "../../api/types.ts";
import { formatMoment, formatNumber } from "../../model/format.ts";
import { countryLabel, eventLabel, personLabel, valueLabel } from "../../model/names.ts";
import type { Range } from "../../model/range.ts";
import { usePages } from "../../state/list.ts";
import { funnels } from "../../text/funnels.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { PersonLink, SessionsLink } from "../../ui/links.tsx";
import { Answer, Empty, Fault } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { showWho, type Who } from "./query.ts";

const text = funnels.persons;
const PAGE = 50;

export function WhoDialog({ projectId, timezone, body, range, day, who, answer }: {
  projectId: string;
  timezone: string;
  body: Record<string, unknown>;
  range: Range;
  /** Of its dates. */
  day: string;
  who: Who;
  answer: Funnel | null;
}): JSX.Element {
  const question = { ...body, step: who.step, outcome: who.outcome, limit: PAGE, ...(who.value !== undefined && { breakdown_value: who.value }) };
  const path = projectPath(projectId, "insights", "funnel", "persons");
  const { asked, hasMore, isLoadingMore, moreFault, showMore } = usePages<Person>(JSON.stringify([path, question, day]), (cursor, signal) =>
    post<Page<Person>>(path, { ...question, ...(cursor !== null && { cursor }) }, signal));
  const step = answer?.steps[who.step - 1];
  const name = `${eventLabel(step?.event ?? "")}${who.value === undefined ? "" : ` · ${valueLabel(who.value, answer?.breakdown ?? null)}`}`;
  const columns: Column<Person>[] = [
    { key: "person", head: text.person, title: (row) => row.distinct_id, cell: (row) => <PersonLink id={row.distinct_id}>{personLabel(row)}</PersonLink> },
    { key: "country", head: text.country, cell: (row) => (row.country === null ? "–" : countryLabel(row.country)) },
    { key: "first", head: text.first, isNumber: true, cell: (row) => formatMoment(row.first_seen, timezone) },
    { key: "last", head: text.last, isNumber: true, cell: (row) => formatMoment(row.last_seen, timezone) },
    { key: "events", head: text.events, isNumber: true, cell: (row) => formatNumber(row.event_count) },
    { key: "sessions", head: text.sessions, isNumber: true, cell: (row) => <SessionsLink person={row.distinct_id} range={range} label={text.watch(formatNumber(row.session_count), personLabel(row))}>{formatNumber(row.session_count)}</SessionsLink> },
  ];
  return (
    <Dialog title={text[who.outcome](who.step, name)} isWide onClose={() => showWho(null)}>
      <Answer asked={asked}>
        {(rows) => (rows.length === 0 ? <Empty title={text.none} /> : <Table isList caption={text.caption} columns={columns} rows={rows} keyOf={(row) => row.distinct_id} />)}
      </Answer>
      {moreFault && <Fault fault={moreFault} onAgain={showMore} />}
      {hasMore && <Button disabled={isLoadingMore} onClick={showMore}>{text.more}</Button>}
    </Dialog>
  );
}
