import type { JSX } from "preact";
import { post, projectPath } from "../../api/client.ts";
import type { Funnel } from "../../api/types.ts";
import type { Cell } from "../../model/export.ts";
import { valueLabel } from "../../model/names.ts";
import { rangeLabel } from "../../model/range.ts";
import { isOfNow, useAsk } from "../../state/ask.ts";
import { dayOfRange } from "../../state/day.ts";
import { changeRange } from "../../state/scope.ts";
import { funnels as text } from "../../text/funnels.ts";
import { DateRange } from "../../ui/date-range.tsx";
import { SaveInsight } from "../../ui/save-insight.tsx";
import { Answer, Empty, Skeleton } from "../../ui/states.tsx";
import { TakeAway } from "../../ui/take-away.tsx";
import type { PageProps } from "../registry.ts";
import { Builder } from "./builder.tsx";
import { funnelPicture } from "./picture.ts";
import { funnelBody, readFunnel, readWho } from "./query.ts";
import { Shown } from "./steps.tsx";
import { WhoDialog } from "./who.tsx";
import "../insights.css";
import "./funnels.css";

export default function FunnelsPage({ project }: PageProps): JSX.Element {
  const question = readFunnel();
  const path = projectPath(project.id, "insights", "funnel");
  const body = funnelBody(question);
  const day = dayOfRange(question.range);
  const asked = useAsk(body && JSON.stringify([path, body, day]), (signal) => post<Funnel>(path, body, signal));
  const answer = body && isOfNow(asked) ? asked.data : null;
  const who = question.by === "person" ? readWho(question.steps.length) : null;
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{text.title}</h1>
        {body && <SaveInsight projectId={project.id} kind="funnel" query={body} />}
        {body && (
          <TakeAway
            name="funnel" path={path} body={body}
            answer={answer && { rows: () => csvRows(answer), picture: () => funnelPicture(answer, rangeLabel(question.range)) }}
          />
        )}
        <DateRange range={question.range} onChange={changeRange} />
      </header>
      <Builder projectId={project.id} question={question} />
      <div class="card">
        {body === null
          ? <Empty title={text.incomplete}><p>{text.incompleteText}</p></Empty>
          : <Answer asked={asked} skeleton={<Skeleton height="22rem" />}>{(data) => <Shown projectId={project.id} answer={data} question={question} />}</Answer>}
      </div>
      {body && who && <WhoDialog projectId={project.id} timezone={project.timezone} body={body} range={question.range} day={day} who={who} answer={asked.data} />}
    </div>
  );
}

function csvRows(answer: Funnel): Cell[][] {
  const funnels = [{ value: null as string | null, steps: answer.steps }, ...(answer.breakdowns ?? []).map((each) => ({ value: valueLabel(each.breakdown_value, answer.breakdown), steps: each.steps }))];
  const hasValues = answer.breakdowns !== undefined;
  return [
    [...(hasValues ? [answer.breakdown] : []), "step", "event", "count", "conversion_rate", "step_conversion_rate", "drop_off", "median_seconds", "average_seconds"],
    ...funnels.flatMap(({ value, steps }) => steps.map((step): Cell[] => [
      ...(hasValues ? [value] : []), step.step, step.event, step.count, step.conversion_rate, step.step_conversion_rate, step.drop_off, step.median_seconds, step.average_seconds,
    ])),
  ];
}
