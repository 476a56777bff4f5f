import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { NOTHING, type Wanted } from "../../model/query.ts";
import { setParameters } from "../../state/router.ts";
import { changeFilters } from "../../state/scope.ts";
import { funnels as text } from "../../text/funnels.ts";
import { insights } from "../../text/insights.ts";
import { Button, Segmented } from "../../ui/button.tsx";
import { BreakdownPicker, EventPicker } from "../../ui/event-picker.tsx";
import { FilterBar } from "../../ui/filter-bar.tsx";
import { Popover } from "../../ui/popover.tsx";
import { changeModes, changeSteps, MAX_STEPS, MODES, UNITS, type FunnelQuestion, type Mode } from "./query.ts";

export function Builder({ projectId, question }: { projectId: string; question: FunnelQuestion }): JSX.Element {
  const { steps, window, modes, by, breakdown, filters } = question;
  const change = (place: number, changes: Partial<Wanted>): void =>
    changeSteps(steps.map((each, at) => (at === place ? { ...each, ...changes } : each)));
  const swap = (place: number, other: number): void =>
    changeSteps(steps.map((each, at) => (at === place ? steps[other] : at === other ? steps[place] : each) ?? each));
  return (
    <section class="card stack builder" aria-label={text.steps}>
      <ol class="stack">
        {steps.map((step, place) => (
          <li class="builder-row" key={place}>
            <span class="builder-mark" aria-hidden="true">{place + 1}</span>
            <EventPicker projectId={projectId} wanted={step} label={text.step(place + 1)} onChange={(chosen) => change(place, chosen)} />
            <FilterBar
              projectId={projectId} filters={step.filters} event={step.event} isSmall label={insights.filtersOf(text.step(place + 1))} add={text.filter(place + 1)}
              onChange={(changed) => change(place, { filters: changed })}
            />
            <span class="builder-moves">
              <Button kind="quiet" isSmall icon="up" label={text.up(text.step(place + 1))} disabled={place === 0} onClick={() => swap(place, place - 1)} />
              <Button kind="quiet" isSmall icon="down" label={text.down(text.step(place + 1))} disabled={place === steps.length - 1} onClick={() => swap(place, place + 1)} />
              <Button
                kind="quiet" isSmall icon="trash" label={insights.remove(text.step(place + 1))} disabled={steps.length <= 2}
                onClick={() => changeSteps(steps.filter((_, at) => at !== place))}
              />
            </span>
          </li>
        ))}
      </ol>
      {steps.length < MAX_STEPS && (
        <div><Button isSmall kind="quiet" icon="plus" onClick={() => changeSteps([...steps, NOTHING])}>{text.add}</Button></div>
      )}
      <hr />
      <div class="row builder-foot">
        <FilterBar projectId={projectId} filters={filters} onChange={changeFilters} add={text.filterAll} />
        <BreakdownPicker projectId={projectId} value={breakdown} onChange={(chosen) => setParameters({ breakdown: chosen, who: null })} />
        <Window value={window} />
        <Modes modes={modes} />
        <Segmented
          label={text.by} value={by} options={(["person", "session"] as const).map((value) => ({ value, label: text.bys[value] }))}
          onChange={(chosen) => setParameters({ by: chosen === "session" ? chosen : null, who: null })}
        />
      </div>
    </section>
  );
}

const WHOLE = /^[1-9]\d{0,7}$/;

function Window({ value }: { value: string }): JSX.Element {
  const count = value.slice(0, -1);
  const unit = value.slice(-1);
  const [typed, setTyped] = useState(count);
  useEffect(() => setTyped(count), [count]);
  const type = (now: string): void => {
    setTyped(now);
    if (WHOLE.test(now)) setParameters({ window: now + unit, who: null }, { replace: true });
  };
  return (
    <fieldset class="field window">
      <legend>{text.window}</legend>
      <input
        class="input" inputMode="numeric" aria-label={text.windowCount} value={typed} aria-invalid={WHOLE.test(typed) ? undefined : "true"}
        onInput={(event) => type(event.currentTarget.value.trim())}
      />
      <select class="input" aria-label={text.windowUnit} value={unit} onChange={(event) => setParameters({ window: count + event.currentTarget.value, who: null })}>
        {UNITS.map((each) => <option key={each} value={each}>{text.units[each]}</option>)}
      </select>
    </fieldset>
  );
}

function Modes({ modes }: { modes: readonly Mode[] }): JSX.Element {
  const toggle = (mode: Mode): void => changeModes(modes.includes(mode) ? modes.filter((each) => each !== mode) : [...modes, mode]);
  return (
    <div class="field">
      <span>{text.modes}</span>
      <Popover label={text.modesChosen(modes.length)} name={text.modes} isForm>
        {() => (
          <fieldset class="stack">
            <legend class="visually-hidden">{text.modes}</legend>
            {MODES.map((mode) => (
              <label class="check mode" key={mode}>
                <input
                  type="checkbox" checked={modes.includes(mode)} disabled={mode === "allow_reentry" && !modes.includes("strict_order")}
                  onChange={() => toggle(mode)}
                />
                <span>{text.mode[mode][0]}<br /><span class="muted">{text.mode[mode][1]}</span></span>
              </label>
            ))}
          </fieldset>
        )}
      </Popover>
    </div>
  );
}
