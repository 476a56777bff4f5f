import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { isDay, PRESETS, presetOf, rangeLabel, type Preset, type Range } from "../model/range.ts";
import { text } from "../text/en.ts";
import { Button } from "./button.tsx";
import { Icon } from "./icons.tsx";
import { Popover } from "./popover.tsx";

/**
 * compare: whether the period before is shown too; undefined where a page has no comparison.
 * unset: what it is called when no dates are chosen, and how to get back to that, where a page goes without.
 */
export function DateRange({ range, onChange, compare, onCompare, unset }: {
  range: Range | null;
  unset?: { label: string; onUnset: () => void };
  onChange: (range: Range) => void;
  compare?: boolean;
  onCompare?: (compare: boolean) => void;
}): JSX.Element {
  const names = Object.keys(PRESETS) as Preset[];
  const current = range && presetOf(range);
  return (
    <Popover label={<>{range ? rangeLabel(range) : unset?.label} <Icon name="chevron" /></>} name={text.range.label} icon="calendar" isAtEnd>
      {(close) => (
        <>
          {unset && (
            <Choice
              label={unset.label} isChosen={range === null}
              onChoose={() => {
                unset.onUnset();
                close();
              }}
            />
          )}
          {names.map((name) => (
            <Choice
              key={name} label={text.range.presets[name]} isChosen={name === current}
              onChoose={() => {
                onChange(PRESETS[name]);
                close();
              }}
            />
          ))}
          <hr />
          <Custom
            range={range}
            onChange={(chosen) => {
              onChange(chosen);
              close();
            }}
          />
          {compare !== undefined && (
            <>
              <hr />
              <label class="check option">
                <input type="checkbox" checked={compare} onChange={(event) => onCompare?.(event.currentTarget.checked)} />
                {text.range.compare}
              </label>
            </>
          )}
        </>
      )}
    </Popover>
  );
}

function Choice({ label, isChosen, onChoose }: { label: string; isChosen: boolean; onChoose: () => void }): JSX.Element {
  return (
    <button type="button" class={`option${isChosen ? " is-chosen" : ""}`} aria-pressed={isChosen} onClick={onChoose}>
      {label}
      {isChosen && <span class="muted"><Icon name="check" /></span>}
    </button>
  );
}

function Custom({ range, onChange }: { range: Range | null; onChange: (range: Range) => void }): JSX.Element {
  const id = useId();
  const [from, setFrom] = useState(range && isDay(range.from) ? range.from : "");
  const [to, setTo] = useState(range?.to && isDay(range.to) ? range.to : "");
  const [isBad, setBad] = useState(false);
  const apply = (event: Event): void => {
    event.preventDefault();
    if (!isDay(from) || (to !== "" && (!isDay(to) || to < from))) setBad(true);
    else onChange({ from, to: to === "" ? null : to });
  };
  return (
    <form class="stack custom-range" onSubmit={apply} noValidate>
      <fieldset class="row" aria-describedby={isBad ? `${id}-problem` : undefined}>
        <legend>{text.range.custom}</legend>
        <label class="field grow">
          <span class="visually-hidden">{text.range.from}</span>
          <input class="input" type="date" value={from} aria-invalid={isBad ? "true" : undefined} onInput={(event) => setFrom(event.currentTarget.value)} />
        </label>
        <label class="field grow">
          <span class="visually-hidden">{text.range.to}</span>
          <input class="input" type="date" value={to} aria-invalid={isBad ? "true" : undefined} onInput={(event) => setTo(event.currentTarget.value)} />
        </label>
      </fieldset>
      {isBad && <p class="problem" id={`${id}-problem`} role="alert">{text.range.bad}</p>}
      <Button type="submit" isSmall>{text.range.apply}</Button>
    </form>
  );
}
