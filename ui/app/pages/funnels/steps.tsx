// A funnel's answer: a bar a step, who went no further between them, and every figure in a table beneath.
import type { JSX } from "preact";
import type { Funnel, FunnelBreakdown, FunnelStep, Json } from "../../api/types.ts";
import { filterOfValue, withFilter } from "../../model/filters.ts";
import { formatDuration, formatNumber, formatPercent } from "../../model/format.ts";
import { eventLabel, propertyLabel, valueLabel, valueTitle } from "../../model/names.ts";
import { changeFilters } from "../../state/scope.ts";
import { funnels as text } from "../../text/funnels.ts";
import { insights } from "../../text/insights.ts";
import { Button } from "../../ui/button.tsx";
import { NeverCame, NeverCameAll, useNeverCame } from "../../ui/never-came.tsx";
import { Empty } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { showWho, type FunnelQuestion } from "./query.ts";

/** Values of a breakdown that have a bar of their own in each step; the table has them all. */
export const MAX_BARS = 5;

export function Shown({ projectId, answer, question }: { projectId: string; answer: Funnel; question: FunnelQuestion }): JSX.Element {
  const { steps, aggregate_by: by } = answer;
  const hasNever = useNeverCame(projectId, steps.filter((step) => step.count === 0));
  if ((steps[0]?.count ?? 0) === 0) return <Empty title={text.nobody}><NeverCameAll of={steps.filter(hasNever)} /></Empty>;
  return (
    <>
      <p class="funnel-sum"><strong>{formatPercent(answer.conversion_rate)}</strong> <span class="muted">{text.overall("", steps.length).trim()}</span></p>
      <Bars answer={answer} isPersons={by === "person"} hasNever={hasNever} />
      <Table isList caption={text.table} columns={columnsOf(by)} rows={steps} keyOf={(row) => String(row.step)} />
      {answer.breakdowns && answer.breakdowns.length > 0 && <Breakdowns answer={answer} rows={answer.breakdowns} question={question} />}
      <p class="muted small">{insights.elapsed(answer.elapsed_ms)}</p>
    </>
  );
}

/** isPersons: whether who reached a step, and who didn't, is a click away. hasNever: whether no event of a step's name ever came. */
export function Bars({ answer, isPersons, hasNever = () => false }: { answer: Funnel; isPersons: boolean; hasNever?: (step: FunnelStep) => boolean }): JSX.Element {
  return (
    <ol class="funnel" aria-label={text.chart}>
      {answer.steps.map((step) => <Step key={step.step} step={step} by={answer.aggregate_by} isPersons={isPersons} answer={answer} isUnknown={hasNever(step)} />)}
    </ol>
  );
}

/** Nobody has none: few have a sliver, however few they are. */
const Bar = ({ count, rate, tone }: { count: number; rate: number | null; tone?: number }): JSX.Element | null =>
  (count === 0 ? null : <div class="funnel-bar" data-tone={tone} style={{ width: `${(rate ?? 0) * 100}%` }} />);

function Step({ step, by, isPersons, answer, isUnknown }: {
  step: FunnelStep;
  by: Funnel["aggregate_by"];
  isPersons: boolean;
  answer: Funnel;
  isUnknown: boolean;
}): JSX.Element {
  const count = text.counts[by](formatNumber(step.count));
  const dropped = text.dropped(formatNumber(step.drop_off), formatPercent(step.step_conversion_rate === null ? null : 1 - step.step_conversion_rate));
  return (
    <li class="funnel-step">
      {step.step > 1 && (
        <div class="funnel-gap">
          {isPersons && step.drop_off > 0
            ? <button type="button" class="funnel-drop" title={text.droppedTitle(step.step)} onClick={() => showWho({ outcome: "dropped_off", step: step.step })}>{dropped}</button>
            : <span class="funnel-drop is-plain">{dropped}</span>}
        </div>
      )}
      <div class="funnel-head">
        <span class="builder-mark" aria-hidden="true">{step.step}</span>
        <span class="truncate" title={step.event}><strong>{eventLabel(step.event)}</strong></span>
        {isPersons && step.count > 0
          ? <button type="button" class="funnel-count" title={text.convertedTitle(step.step)} onClick={() => showWho({ outcome: "converted", step: step.step })}>{count}</button>
          : <span class="funnel-count">{count}</span>}
        <span class="number funnel-rate">{formatPercent(step.conversion_rate)}</span>
      </div>
      <div class="funnel-track"><Bar count={step.count} rate={step.conversion_rate} /></div>
      {isUnknown && <NeverCame />}
      {answer.breakdowns?.slice(0, MAX_BARS).map((each, place) => {
        const own = each.steps[step.step - 1];
        const name = valueLabel(each.breakdown_value, answer.breakdown);
        return own && (
          <div class="funnel-part" key={place}>
            <span class="truncate muted" title={valueTitle(each.breakdown_value, answer.breakdown)}>{name}</span>
            <div class="funnel-track is-thin"><Bar count={own.count} rate={own.conversion_rate} tone={place + 1} /></div>
            <span class="number">{formatPercent(own.conversion_rate)}</span>
          </div>
        );
      })}
      {step.step > 1 && step.median_seconds !== null && <p class="muted small">{text.after(formatDuration(step.median_seconds))}</p>}
    </li>
  );
}

function columnsOf(by: Funnel["aggregate_by"]): Column<FunnelStep>[] {
  const head = text.columns;
  return [
    { key: "event", head: head.event, cell: (row) => <>{row.step}. <bdi>{eventLabel(row.event)}</bdi></>, title: (row) => row.event },
    { key: "count", head: head.count[by], isNumber: true, cell: (row) => formatNumber(row.count) },
    { key: "overall", head: head.overall, isNumber: true, cell: (row) => formatPercent(row.conversion_rate) },
    { key: "previous", head: head.previous, isNumber: true, cell: (row) => formatPercent(row.step_conversion_rate) },
    { key: "drop", head: head.dropOff, isNumber: true, cell: (row) => formatNumber(row.drop_off) },
    { key: "median", head: head.median, isNumber: true, cell: (row) => formatDuration(row.median_seconds) },
    { key: "average", head: head.average, isNumber: true, cell: (row) => formatDuration(row.average_seconds) },
  ];
}

const isFilterable = (value: Json): value is string | null => value === null || (typeof value === "string" && value !== "$other");

function Breakdowns({ answer, rows, question }: { answer: Funnel; rows: readonly FunnelBreakdown[]; question: FunnelQuestion }): JSX.Element {
  const property = answer.breakdown ?? "";
  const last = answer.steps.length;
  const name = (row: FunnelBreakdown): string => valueLabel(row.breakdown_value, property);
  const columns: Column<FunnelBreakdown>[] = [
    { key: "value", head: propertyLabel(property), cell: name, title: (row) => valueTitle(row.breakdown_value, property) },
    ...answer.steps.map((step, at): Column<FunnelBreakdown> => ({
      key: String(step.step), head: text.step(step.step), isNumber: true, cell: (row) => formatNumber(row.steps[at]?.count ?? null),
    })),
    { key: "rate", head: text.rate, isNumber: true, cell: (row) => formatPercent(row.conversion_rate) },
    {
      key: "do", head: <span class="visually-hidden">{insights.doColumn}</span>, isNumber: true, cell: (row) => (
        <span class="row-buttons">
          {answer.aggregate_by === "person" && (
            <Button
              isSmall kind="quiet" icon="person" label={`${text.droppedTitle(last)}: ${name(row)}`}
              onClick={() => showWho({ outcome: "dropped_off", step: last, value: row.breakdown_value })}
            />
          )}
          {isFilterable(row.breakdown_value) && (
            <Button
              isSmall kind="quiet" icon="filter" label={text.only(name(row))}
              onClick={() => changeFilters(withFilter(question.filters, filterOfValue(property, row.breakdown_value as string | null)))}
            />
          )}
        </span>
      ),
    },
  ];
  return (
    <section class="stack">
      <h2>{text.breakdowns}</h2>
      <Table isList caption={text.breakdowns} columns={columns} rows={rows} keyOf={(_, place) => String(place)} />
    </section>
  );
}
