// One insight on a dashboard. It asks by itself once it is near the window, so that a slow one or one that fails holds up no other, and is
// drawn by the parts that draw it on its own page.
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { post, projectPath } from "../../api/client.ts";
import type { Tile } from "../../api/dashboards.ts";
import type { Funnel, Trends } from "../../api/types.ts";
import { axisLabels, formatBucket, formatNumber, formatPercent, formatShort } from "../../model/format.ts";
import { PRESETS, rangeLabel } from "../../model/range.ts";
import { placeOf } from "../../model/saved.ts";
import { useAsk } from "../../state/ask.ts";
import { isOpen } from "../../state/day.ts";
import { hrefOf } from "../../state/router.ts";
import { funnels } from "../../text/funnels.ts";
import { trends } from "../../text/trends.ts";
import { Chart, type Line } from "../../ui/chart.tsx";
import { Answer, Empty, Skeleton } from "../../ui/states.tsx";
import { Bars } from "../funnels/steps.tsx";
import { areCounts, MAX_DRAWN, namedSeries } from "../trends/lines.ts";

const ROW_PX = 56;

export const titleOf = (tile: Tile): string => tile.title ?? tile.insight.name;

/** Whether it was ever near the window. */
function useSeen(): [boolean, { current: HTMLDivElement | null }] {
  const element = useRef<HTMLDivElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (!element.current) return undefined;
    const watcher = new IntersectionObserver((entries) => {
      if (entries.some((each) => each.isIntersecting)) setSeen(true);
    }, { rootMargin: "300px" });
    watcher.observe(element.current);
    return () => watcher.disconnect();
  }, []);
  return [isSeen, element];
}

/** asOf: another one asks anew. */
export function TileBody({ projectId, tile, asOf }: { projectId: string; tile: Tile; asOf: string }): JSX.Element {
  const [isSeen, element] = useSeen();
  const { kind, query, chart } = tile.insight;
  const path = projectPath(projectId, "insights", kind);
  const key = isSeen ? JSON.stringify([path, query, asOf]) : null;
  const asked = useAsk(key, (signal) => post<Trends | Funnel>(path, query, signal));
  const height = Math.max(tile.layout.h * ROW_PX, 140);
  const waiting = <Skeleton height={`${height}px`} />;
  return (
    <div ref={element}>
      {isSeen
        ? <Answer asked={asked} skeleton={waiting}>{(data) => ("series" in data ? <TrendsTile answer={data} kind={chart ?? "line"} height={height} /> : <FunnelTile answer={data} />)}</Answer>
        : waiting}
    </div>
  );
}

export function TileHead({ tile }: { tile: Tile }): JSX.Element {
  const { path, parameters } = placeOf(tile.insight);
  const { date_from: from, date_to: to } = tile.insight.query;
  return (
    <div class="tile-head">
      <h2 class="truncate" title={tile.insight.description || titleOf(tile)}><a href={hrefOf(path, parameters)} draggable={false}>{titleOf(tile)}</a></h2>
      <span class="muted small">{rangeLabel(from === undefined ? PRESETS.month : { from, to: to ?? null })}</span>
    </div>
  );
}

function TrendsTile({ answer, kind, height }: { answer: Trends; kind: "line" | "bar"; height: number }): JSX.Element {
  const named = useMemo(() => namedSeries(answer).slice(0, MAX_DRAWN), [answer]);
  const lines = useMemo(() => named.map((each): Line => ({ name: each.name, values: each.series.values, tone: each.tone })), [named]);
  const { interval, timezone } = answer;
  const labels = useMemo(() => axisLabels(answer.labels, interval, timezone), [answer]);
  const longLabels = useMemo(() => answer.labels.map((label) => formatBucket(label, interval, timezone, { long: true })), [answer]);
  if (named.length === 0) return <Empty title={trends.nothing} />;
  return (
    <>
      <ul class="tile-legend">
        {named.map((each) => (
          <li key={each.key}><span class="swatch" data-tone={each.tone} /><span class="truncate" title={each.name}>{each.name}</span> <strong>{formatNumber(each.series.total)}</strong></li>
        ))}
      </ul>
      <Chart
        name={trends.chartOf(named.map((each) => each.name).join(", "))} labels={labels} longLabels={longLabels} lines={lines} format={formatShort}
        isWhole={areCounts(named)} height={height} kind={kind} isLastOpen={isOpen(answer)}
      />
    </>
  );
}

function FunnelTile({ answer }: { answer: Funnel }): JSX.Element {
  if ((answer.steps[0]?.count ?? 0) === 0) return <Empty title={funnels.nobody} />;
  return (
    <>
      <p class="funnel-sum"><strong>{formatPercent(answer.conversion_rate)}</strong> <span class="muted">{funnels.overall("", answer.steps.length).trim()}</span></p>
      <Bars answer={answer} isPersons={false} />
    </>
  );
}
