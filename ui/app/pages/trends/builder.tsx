import type { JSX } from "preact";
import { INTERVALS } from "../../api/types.ts";
import { suggestNumbers } from "../../api/definitions.ts";
import { propertyLabel } from "../../model/names.ts";
import { MATHS, needsProperty, NOTHING, type Measure, type Wanted } from "../../model/query.ts";
import { setParameters } from "../../state/router.ts";
import { changeFilters } from "../../state/scope.ts";
import { text } from "../../text/en.ts";
import { insights } from "../../text/insights.ts";
import { trends } from "../../text/trends.ts";
import { Button, Segmented } from "../../ui/button.tsx";
import { Combobox } from "../../ui/combobox.tsx";
import { BreakdownPicker, EventPicker } from "../../ui/event-picker.tsx";
import { FilterBar } from "../../ui/filter-bar.tsx";
import { changeWanted, MAX_EVENTS, type TrendsQuestion } from "./query.ts";

export const letterOf = (place: number): string => String.fromCharCode(65 + place);

export function Builder({ projectId, question }: { projectId: string; question: TrendsQuestion }): JSX.Element {
  const { wanted, interval, breakdown, filters, kind } = question;
  const change = (place: number, changes: Partial<Wanted>): void =>
    changeWanted(wanted.map((each, at) => (at === place ? { ...each, ...changes } : each)));
  return (
    <section class="card stack builder" aria-label={trends.series}>
      <ol class="stack">
        {wanted.map((each, place) => (
          <li class="builder-row" key={place}>
            <Series
              projectId={projectId} wanted={each} letter={letterOf(place)} onChange={(changes) => change(place, changes)}
              onRemove={wanted.length > 1 ? () => changeWanted(wanted.filter((_, at) => at !== place)) : null}
            />
          </li>
        ))}
      </ol>
      {wanted.length < MAX_EVENTS && (
        <div><Button isSmall kind="quiet" icon="plus" onClick={() => changeWanted([...wanted, NOTHING])}>{trends.add}</Button></div>
      )}
      <hr />
      <div class="row builder-foot">
        <FilterBar projectId={projectId} filters={filters} onChange={changeFilters} add={trends.filterAll} />
        <BreakdownPicker projectId={projectId} value={breakdown} onChange={(chosen) => setParameters({ breakdown: chosen })} />
        <Segmented
          label={text.interval.label} value={interval} options={INTERVALS.map((value) => ({ value, label: text.interval[value] }))}
          onChange={(chosen) => setParameters({ interval: chosen })}
        />
        <Segmented
          label={trends.kind} value={kind} options={(["line", "bar"] as const).map((value) => ({ value, label: trends.kinds[value] }))}
          onChange={(chosen) => setParameters({ chart: chosen === "bar" ? "bar" : null })}
        />
      </div>
    </section>
  );
}

function Series({ projectId, wanted, letter, onChange, onRemove }: {
  projectId: string;
  wanted: Wanted;
  letter: string;
  onChange: (changes: Partial<Wanted>) => void;
  onRemove: (() => void) | null;
}): JSX.Element {
  return (
    <>
      <span class="builder-mark" aria-hidden="true">{letter}</span>
      <EventPicker projectId={projectId} wanted={wanted} label={trends.eventOf(letter)} onChange={onChange} />
      <select
        class="input math" aria-label={trends.math(letter)} value={wanted.math}
        onChange={(event) => {
          const math = event.currentTarget.value as Measure;
          onChange({ math, ...(!needsProperty(math) && { mathProperty: null }) });
        }}
      >
        {MATHS.map((math) => <option key={math} value={math}>{trends.maths[math]}</option>)}
      </select>
      {needsProperty(wanted.math) && (
        <Combobox
          label={trends.ofProperty(letter)} isLabelHidden placeholder={trends.choose} value={wanted.mathProperty ?? ""} labelOf={propertyLabel} areNames
          suggest={(typed, signal) => suggestNumbers(projectId, wanted.event, typed, signal)}
          onChange={(chosen) => onChange({ mathProperty: chosen || null })}
        />
      )}
      <FilterBar
        projectId={projectId} filters={wanted.filters} event={wanted.event} isSmall label={insights.filtersOf(trends.eventOf(letter))} add={trends.filter(letter)}
        onChange={(filters) => onChange({ filters })}
      />
      {onRemove && <Button kind="quiet" icon="trash" isSmall label={insights.remove(trends.eventOf(letter))} onClick={onRemove} />}
    </>
  );
}
