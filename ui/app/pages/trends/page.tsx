import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { post, projectPath } from "../../api/client.ts";
import { suggestEvents } from "../../api/definitions.ts";
import type { Trends } from "../../api/types.ts";
import { filterOfValue, withFilter } from "../../model/filters.ts";
import { axisLabels, formatAverage, formatBucket, formatNumber, formatShort } from "../../model/format.ts";
import { NOTHING } from "../../model/query.ts";
import { rangeLabel } from "../../model/range.ts";
import { isOfNow, useAsk } from "../../state/ask.ts";
import { dayOfRange, isOpen } from "../../state/day.ts";
import { changeFilters, changeRange } from "../../state/scope.ts";
import { insights } from "../../text/insights.ts";
import { trends as text } from "../../text/trends.ts";
import { Button } from "../../ui/button.tsx";
import { Chart, type Line } from "../../ui/chart.tsx";
import { DateRange } from "../../ui/date-range.tsx";
import { NeverCame, NeverCameAll, useNeverCame } from "../../ui/never-came.tsx";
import { chartPicture } from "../../ui/picture.ts";
import { SaveInsight } from "../../ui/save-insight.tsx";
import { Answer, Empty, Skeleton } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { TakeAway } from "../../ui/take-away.tsx";
import type { PageProps } from "../registry.ts";
import { Builder } from "./builder.tsx";
import { areCounts, average, csvRows, isFilterable, MAX_DRAWN, namedSeries, type Named } from "./lines.ts";
import { readTrends, trendsBody, type TrendsQuestion } from "./query.ts";
import "../insights.css";

export default function TrendsPage({ project }: PageProps): JSX.Element {
  const read = readTrends(new Date());
  const isUntouched = read.wanted.length === 1 && read.wanted[0] === NOTHING;
  const usual = useAsk(isUntouched ? project.id : null, (signal) => suggestEvents(project.id, "", signal));
  const first = usual.data?.find((each) => each.value === "$pageview") ?? usual.data?.[0];
  const question = isUntouched && first ? { ...read, wanted: [{ ...NOTHING, event: first.value }] } : read;
  const path = projectPath(project.id, "insights", "trends");
  const body = trendsBody(question);
  const asked = useAsk(body && JSON.stringify([path, body, dayOfRange(question.range)]), (signal) => post<Trends>(path, body, signal));
  const place = useRef<HTMLDivElement>(null);
  const [chosen, setChosen] = useState<Chosen>(null);
  const answer = body && isOfNow(asked) ? asked.data : null;
  const named = useMemo(() => (answer ? namedSeries(answer) : []), [answer]);
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{text.title}</h1>
        {body && <SaveInsight projectId={project.id} kind="trends" query={body} chart={question.kind} />}
        {body && (
          <TakeAway
            name="trends" path={path} body={body}
            answer={answer && { rows: () => csvRows(answer, named), picture: () => picture(place.current, question, drawnOf(named, chosen)) }}
          />
        )}
        <DateRange range={question.range} onChange={changeRange} />
      </header>
      <Builder projectId={project.id} question={question} />
      <div class="card" ref={place}>
        {body === null && !usual.isLoading
          ? <Empty title={text.incomplete}><p>{text.incompleteText}</p></Empty>
          : <Answer asked={asked} skeleton={<Skeleton height="22rem" />}>{(data) => <Shown projectId={project.id} answer={data} question={question} chosen={chosen} onChoose={setChosen} />}</Answer>}
      </div>
    </div>
  );
}

/** Keys of the lines that somebody chose to see; null: the first ones. */
type Chosen = ReadonlySet<string> | null;

function drawnOf(named: readonly Named[], chosen: Chosen): readonly Named[] {
  const picked = named.filter((each) => chosen?.has(each.key));
  return picked.length > 0 ? picked : named.slice(0, MAX_DRAWN);
}

function picture(card: HTMLElement | null, question: TrendsQuestion, drawn: readonly Named[]): Promise<Blob | null> {
  const canvas = card?.querySelector("canvas");
  if (!canvas) return Promise.resolve(null);
  const legend = drawn.map((each) => ({ name: each.name, value: formatNumber(each.series.total), colour: `--data-${each.tone}` }));
  return chartPicture(text.title, rangeLabel(question.range), canvas, legend);
}

function Shown({ projectId, answer, question, chosen, onChoose }: {
  projectId: string;
  answer: Trends;
  question: TrendsQuestion;
  chosen: Chosen;
  onChoose: (chosen: Chosen) => void;
}): JSX.Element {
  const named = useMemo(() => namedSeries(answer), [answer]);
  const drawn = useMemo(() => drawnOf(named, chosen), [named, chosen]);
  const { interval, timezone } = answer;
  const labels = useMemo(() => axisLabels(answer.labels, interval, timezone), [answer]);
  const longLabels = useMemo(() => answer.labels.map((label) => formatBucket(label, interval, timezone, { long: true })), [answer]);
  const lines = useMemo(() => drawn.map((each): Line => ({ name: each.name, values: each.series.values, tone: each.tone })), [drawn]);
  const asked = question.wanted.flatMap(({ event }) => (event === null ? [] : [{ event }]));
  const hasNever = useNeverCame(projectId, named.length === 0 ? asked : answer.series.filter((each) => !each.total));
  if (named.length === 0) return <Empty title={text.nothing}><NeverCameAll of={asked.filter(hasNever)} /></Empty>;
  const toggle = (key: string): void => {
    const next = new Set(drawn.map((each) => each.key));
    if (!next.delete(key)) next.add(key);
    onChoose(next);
  };
  const columns: Column<Named>[] = [
    {
      key: "name", head: text.columns.name, title: (row) => row.name,
      cell: (row) => (
        <label class="check series">
          {named.length > 1 && <input type="checkbox" aria-label={text.show(row.name)} checked={drawn.includes(row)} onChange={() => toggle(row.key)} />}
          <span class="swatch" data-tone={row.tone} />
          <span class="truncate">{row.name}</span>
          {hasNever(row.series) && <NeverCame />}
        </label>
      ),
    },
    { key: "total", head: text.columns.total, isNumber: true, cell: (row) => formatNumber(row.series.total) },
    { key: "average", head: text.columns.average[interval], isNumber: true, cell: (row) => formatAverage(average(row.series)) },
    ...(answer.breakdown === null ? [] : [{
      key: "only", head: <span class="visually-hidden">{insights.doColumn}</span>, isNumber: true,
      cell: (row: Named) => {
        const value = row.series.breakdown_value;
        if (answer.breakdown === null || !isFilterable(value)) return "";
        const property = answer.breakdown;
        return <Button isSmall kind="quiet" icon="filter" label={text.only(row.name)} onClick={() => changeFilters(withFilter(question.filters, filterOfValue(property, value)))} />;
      },
    }]),
  ];
  return (
    <>
      <Chart
        name={text.chartOf(drawn.map((each) => each.name).join(", "))} labels={labels} longLabels={longLabels} lines={lines} format={formatShort}
        isWhole={areCounts(drawn)} height={320} kind={question.kind} isLastOpen={isOpen(answer)}
      />
      {drawn.length < named.length && <p class="muted small">{text.hiddenLines(drawn.length, named.length)}</p>}
      <Table caption={text.table} columns={columns} rows={named} keyOf={(row) => row.key} />
      <p class="muted small">{insights.elapsed(answer.elapsed_ms)}</p>
    </>
  );
}
