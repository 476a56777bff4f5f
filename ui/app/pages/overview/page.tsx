import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { post, projectPath } from "../../api/client.ts";
import type { Overview } from "../../api/types.ts";
import { isOfHours, PRESETS, usualInterval } from "../../model/range.ts";
import { useAsk } from "../../state/ask.ts";
import { dayOfRange, isOpen } from "../../state/day.ts";
import { changeCompared, changeFilters, changeRange, readScope } from "../../state/scope.ts";
import { overview as text } from "../../text/overview.ts";
import { DateRange } from "../../ui/date-range.tsx";
import { FilterBar } from "../../ui/filter-bar.tsx";
import { Answer, Skeleton } from "../../ui/states.tsx";
import type { PageProps } from "../registry.ts";
import { useFirst, useLive } from "./ask.ts";
import { Cards } from "./cards.tsx";
import { Figures } from "./figures.tsx";
import { Start } from "./start.tsx";
import "./overview.css";

export default function OverviewPage({ project }: PageProps): JSX.Element {
  const first = useFirst(project.id);
  const [hasGone, setGone] = useState(false);
  if (first.event === null || (first.isFresh && !hasGone)) return <Start project={project} first={first.event ?? null} onGo={() => setGone(true)} />;
  return <Whole projectId={project.id} />;
}

function Whole({ projectId }: { projectId: string }): JSX.Element {
  const { range, isCompared, filters } = readScope(PRESETS.month);
  const live = useLive(projectId);
  const path = projectPath(projectId, "insights", "overview");
  // By days the range would end with today, and the period before be as much longer.
  const isByHour = isOfHours(range) && usualInterval(range, new Date()) === "hour";
  const body = { date_from: range.from, ...(isByHour && { interval: "hour" }), ...(range.to !== null && { date_to: range.to }), ...(filters.length > 0 && { filters }) };
  const day = dayOfRange(range);
  const figures = { ...body, compare: isCompared, breakdowns: [] };
  const asked = useAsk(JSON.stringify([path, figures, day]), (signal) => post<Overview>(path, figures, signal));
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{text.title}</h1>
        {live !== null && <span class={`live${live > 0 ? " is-on" : ""}`}>{text.live(live)}</span>}
        <DateRange range={range} onChange={changeRange} compare={isCompared} onCompare={changeCompared} />
      </header>
      <FilterBar projectId={projectId} filters={filters} onChange={changeFilters} />
      <Answer asked={asked} skeleton={<Skeleton height="27rem" />}>
        {(answer) => <Figures answer={answer} isOpen={isOpen(answer)} />}
      </Answer>
      <Cards path={path} body={body} day={day} isWaiting={asked.isLoading} filters={filters} />
    </div>
  );
}
