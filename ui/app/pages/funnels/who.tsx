// Who is behind a figure of a funnel: persons, newest first, a page at a time.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiFault, isAbort, post, projectPath } from "../../api/client.ts";
import type { Funnel, Page, Person } from "../../api/types.ts";
import { formatMoment, formatNumber } from "../../model/format.ts";
import { countryLabel, eventLabel, personLabel, valueLabel } from "../../model/names.ts";
import { funnels } from "../../text/funnels.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { PersonLink, SessionsLink } from "../../ui/links.tsx";
import { Empty, Fault, Skeleton } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { showWho, type Who } from "./query.ts";

const text = funnels.persons;
const PAGE = 50;

export function WhoDialog({ projectId, timezone, body, who, answer }: {
  projectId: string;
  timezone: string;
  body: Record<string, unknown>;
  who: Who;
  answer: Funnel | null;
}): JSX.Element {
  const [rows, setRows] = useState<Person[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [fault, setFault] = useState<ApiFault | null>(null);
  const [isLoading, setLoading] = useState(false);
  const load = (from: string | null, signal?: AbortSignal): void => {
    setLoading(true);
    setFault(null);
    const asked = {
      ...body, step: who.step, outcome: who.outcome, limit: PAGE, ...(who.value !== undefined && { breakdown_value: who.value }), ...(from !== null && { cursor: from }),
    };
    post<Page<Person>>(projectPath(projectId, "insights", "funnel", "persons"), asked, signal)
      .then((page) => {
        setRows((before) => [...(from === null ? [] : (before ?? [])), ...page.data]);
        setCursor(page.meta.next_cursor);
        setLoading(false);
      })
      .catch((error: unknown) => {
        if (isAbort(error)) return;
        if (!(error instanceof ApiFault)) throw error;
        setFault(error);
        setLoading(false);
      });
  };
  useEffect(() => {
    const controller = new AbortController();
    load(null, controller.signal);
    return () => controller.abort();
  }, [JSON.stringify([body, who])]);
  const step = answer?.steps[who.step - 1];
  const name = `${eventLabel(step?.event ?? "")}${who.value === undefined ? "" : ` · ${valueLabel(who.value, answer?.breakdown ?? null)}`}`;
  const columns: Column<Person>[] = [
    { key: "person", head: text.person, title: (row) => row.distinct_id, cell: (row) => <PersonLink id={row.distinct_id}>{personLabel(row)}</PersonLink> },
    { key: "last", head: text.last, isNumber: true, cell: (row) => formatMoment(row.last_seen, timezone) },
    { key: "country", head: text.country, cell: (row) => (row.country === null ? "–" : countryLabel(row.country)) },
    { key: "events", head: text.events, isNumber: true, cell: (row) => formatNumber(row.event_count) },
    { key: "sessions", head: text.sessions, isNumber: true, cell: (row) => <SessionsLink person={row.distinct_id} label={text.watch(formatNumber(row.session_count), personLabel(row))}>{formatNumber(row.session_count)}</SessionsLink> },
  ];
  return (
    <Dialog title={text[who.outcome](who.step, name)} isWide onClose={() => showWho(null)}>
      {fault && <Fault fault={fault} onAgain={() => load(cursor)} />}
      {rows === null ? !fault && <Skeleton /> : rows.length === 0 ? <Empty title={text.none} /> : <Table caption={text.caption} columns={columns} rows={rows} keyOf={(row) => row.distinct_id} />}
      {cursor !== null && <Button disabled={isLoading} onClick={() => load(cursor)}>{text.more}</Button>}
    </Dialog>
  );
}
