// The figures of the overview, and the chosen one over time beside the period before.
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Overview, OverviewSeries } from "../../api/types.ts";
import { axisLabels, changeOf, formatBucket, formatDuration, formatNumber, formatPercent, formatShort } from "../../model/format.ts";
import { setParameters } from "../../state/router.ts";
import { parameter } from "../../state/scope.ts";
import { overview as text } from "../../text/overview.ts";
import { Chart, type Line } from "../../ui/chart.tsx";
import { Icon } from "../../ui/icons.tsx";

type Measure = keyof OverviewSeries;
const MEASURES: readonly Measure[] = ["visitors", "sessions", "pageviews", "bounce_rate", "duration_seconds"];
const FORMATS: Record<Measure, (value: number | null) => string> = {
  visitors: formatShort, sessions: formatShort, pageviews: formatShort, bounce_rate: formatPercent, duration_seconds: formatDuration,
};
const COUNTED: readonly Measure[] = ["visitors", "sessions", "pageviews"];
/** Of which less is better. */
const IS_FALL_GOOD: readonly Measure[] = ["bounce_rate"];

export function Figures({ answer, isOpen }: { answer: Overview; isOpen: boolean }): JSX.Element {
  const chosen = MEASURES.find((each) => each === parameter("show")) ?? "visitors";
  return (
    <section class="card overview-figures">
      <div class="figures" role="group" aria-label={text.figures}>
        {MEASURES.map((measure) => (
          <button type="button" class="figure" key={measure} aria-pressed={measure === chosen} onClick={() => setParameters({ show: measure === "visitors" ? null : measure })}>
            <span class="muted small">{text.measures[measure]}</span>
            <strong title={COUNTED.includes(measure) ? formatNumber(answer.totals[measure]) : undefined}>{FORMATS[measure](answer.totals[measure])}</strong>
            <Change measure={measure} answer={answer} />
          </button>
        ))}
      </div>
      <Over answer={answer} measure={chosen} isOpen={isOpen} />
    </section>
  );
}

function Change({ measure, answer }: { measure: Measure; answer: Overview }): JSX.Element | null {
  if (!answer.previous) return null;
  const change = changeOf(answer.totals[measure], answer.previous.totals[measure]);
  if (change === null) return <span class="change muted">–</span>;
  const percent = formatPercent(Math.abs(change));
  if (change === 0) return <span class="change muted"><span aria-hidden="true">0%</span><span class="visually-hidden">{text.noChange}</span></span>;
  const isGood = change > 0 !== IS_FALL_GOOD.includes(measure);
  return (
    <span class={`change ${isGood ? "is-good" : "is-bad"}`}>
      <Icon name={change > 0 ? "up" : "down"} />
      <span aria-hidden="true">{percent}</span>
      <span class="visually-hidden">{text.change(`${change > 0 ? "+" : "−"}${percent}`)}</span>
    </span>
  );
}

function Over({ answer, measure, isOpen }: { answer: Overview; measure: Measure; isOpen: boolean }): JSX.Element {
  const { interval, timezone, labels } = answer;
  const short = useMemo(() => axisLabels(labels, interval, timezone), [answer]);
  const long = useMemo(() => labels.map((label) => formatBucket(label, interval, timezone, { long: true })), [answer]);
  const lines = useMemo((): Line[] => {
    const name = text.measures[measure];
    const before = answer.previous?.series[measure];
    return [
      { name, values: answer.series[measure], tone: 1 },
      ...(before ? [{ name: text.before(name), values: labels.map((_, at) => before[at] ?? null), tone: 1, isBefore: true }] : []),
    ];
  }, [answer, measure]);
  return <Chart name={text.chartOf(text.measures[measure])} labels={short} longLabels={long} lines={lines} format={FORMATS[measure]} isWhole={COUNTED.includes(measure)} isLastOpen={isOpen} height={280} />;
}
