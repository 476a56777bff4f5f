// Filters as chips: a click on one changes it, its cross takes it away, the button adds one. All of them have to hold.
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { OPERATORS, type Filter, type FilterScalar, type Operator } from "../api/types.ts";
import { suggestProperties, suggestValues } from "../api/definitions.ts";
import { MAX_FILTERS, sentenceOf, takesValue, withFilter, withoutFilter, writeFilter } from "../model/filters.ts";
import { isNumeric, readNumber } from "../model/json.ts";
import { propertyLabel, valueLabel, valueTyped } from "../model/names.ts";
import { text } from "../text/en.ts";
import { Button } from "./button.tsx";
import { Combobox } from "./combobox.tsx";
import type { Told } from "./form.tsx";
import { Icon } from "./icons.tsx";
import { Popover } from "./popover.tsx";

interface Props {
  projectId: string;
  filters: readonly Filter[];
  onChange: (filters: Filter[]) => void;
  /** Whose properties are suggested; null: every event's. */
  event?: string | null;
  isSmall?: boolean;
  label?: string;
  /** What the button says that adds one; where a page has several, what it filters. */
  add?: string;
  /** What is wrong with them, which stands beside them. */
  told?: Told;
}

export function FilterBar({ projectId, filters, onChange, event = null, isSmall, label = text.filter.label, add = text.filter.add, told }: Props): JSX.Element {
  const group = useRef<HTMLDivElement>(null);
  /** Who took the last one away goes on from where one is added. */
  const change = (changed: Filter[]): void => {
    onChange(changed);
    setTimeout(() => document.activeElement === document.body && group.current?.querySelector<HTMLElement>(":scope > .pop > button")?.focus());
  };
  return (
    <div class="chips" role="group" aria-label={label} aria-describedby={told?.said ? told.id : undefined} ref={group}>
      {filters.map((filter, place) => (
        <Chip
          key={place} filter={filter} projectId={projectId} event={event}
          onChange={(changed) => change(filters.map((each, at) => (at === place ? changed : each)))}
          onRemove={() => change(withoutFilter(filters, filter))}
        />
      ))}
      {filters.length < MAX_FILTERS && (
        <Popover label={add} name={add} icon="filter" kind="quiet" isForm {...(isSmall && { isSmall })}>
          {(close) => (
            <FilterForm
              projectId={projectId} event={event}
              onApply={(added) => {
                onChange(withFilter(filters, added));
                close();
              }}
            />
          )}
        </Popover>
      )}
      {filters.length > 1 && <Button kind="quiet" isSmall onClick={() => change([])}>{text.filter.clear}</Button>}
    </div>
  );
}

function Chip({ filter, projectId, event, onChange, onRemove }: {
  filter: Filter;
  projectId: string;
  event: string | null;
  onChange: (filter: Filter) => void;
  onRemove: () => void;
}): JSX.Element {
  const sentence = sentenceOf(filter);
  return (
    <Popover
      label={<span class="truncate">{sentence}</span>} name={text.filter.change(sentence)} buttonClass="chip-main" isForm
      after={<button type="button" aria-label={text.filter.remove(sentence)} onClick={onRemove}><Icon name="close" /></button>}
    >
      {(close) => (
        <FilterForm
          key={writeFilter(filter)} projectId={projectId} event={event} filter={filter}
          onApply={(changed) => {
            onChange(changed);
            close();
          }}
        />
      )}
    </Popover>
  );
}

const takesList = (operator: Operator): boolean => operator === "exact" || operator === "is_not";
const comparesSize = (operator: Operator): boolean => ["gt", "gte", "lt", "lte"].includes(operator);

/** What was typed as the API takes it: by its JSON type, since "10" is not 10. */
export function readValue(typed: string, isNumber: boolean): FilterScalar | null {
  const trimmed = typed.trim();
  if (!isNumber) return trimmed === "" ? null : trimmed;
  return readNumber(trimmed);
}

export function FilterForm({ projectId, event, filter, onApply }: {
  projectId: string;
  event: string | null;
  filter?: Filter;
  onApply: (filter: Filter) => void;
}): JSX.Element {
  const given = filter?.value === undefined ? [] : Array.isArray(filter.value) ? filter.value : [filter.value];
  const [property, setProperty] = useState(filter?.property ?? "");
  const [operator, setOperator] = useState<Operator>(filter?.operator ?? "exact");
  const [values, setValues] = useState(given.map(String).join("\n"));
  const [isNumber, setNumber] = useState(given.length > 0 && given.every(isNumeric));
  const [isTried, setTried] = useState(false);
  const lines = takesList(operator) && values.includes("\n") ? values.split("\n").filter((line) => line.trim() !== "").map((line) => valueTyped(line.trim(), property)) : [values];
  const read = lines.map((line) => readBoolean(line, given) ?? readValue(line, isNumber));
  const isValueBad = takesValue(operator) && (read.length === 0 || read.includes(null));
  const apply = (submitted: Event): void => {
    submitted.preventDefault();
    setTried(true);
    if (property === "" || isValueBad) return;
    const whole = read as FilterScalar[];
    onApply(takesValue(operator) ? { property, operator, value: whole.length === 1 ? (whole[0] as FilterScalar) : whole } : { property, operator });
  };
  return (
    <form class="stack" onSubmit={apply} noValidate>
      <Combobox
        label={text.filter.property} value={property} labelOf={propertyLabel} areNames isInvalid={isTried && property === ""}
        suggest={(typed, signal) => suggestProperties(projectId, event, typed, signal)}
        onChange={(chosen, suggestion) => {
          setProperty(chosen);
          setNumber(suggestion?.note === "number");
        }}
      />
      <label class="field">
        <span>{text.filter.operator}</span>
        <select class="input" value={operator} onChange={(changed) => setOperator(changed.currentTarget.value as Operator)}>
          {OPERATORS.map((each) => <option key={each} value={each}>{text.filter.operators[each]}</option>)}
        </select>
      </label>
      {takesValue(operator) && (values.includes("\n") && takesList(operator) ? (
        <label class="field">
          <span>{text.filter.values}</span>
          <textarea class="input" value={values} onInput={(typed) => setValues(typed.currentTarget.value)} />
        </label>
      ) : (
        <Combobox
          label={text.filter.value} value={values} isInvalid={isTried && isValueBad}
          labelOf={(value) => (takesList(operator) ? (value === "" ? "" : valueLabel(value, property)) : value)}
          suggest={(typed, signal) => suggestValues(projectId, property, typed, signal)}
          onChange={(chosen, suggestion) => setValues(suggestion || !takesList(operator) ? chosen : valueTyped(chosen, property))}
        />
      ))}
      {takesValue(operator) && (takesList(operator) || comparesSize(operator)) && (
        <label class="check">
          <input type="checkbox" checked={isNumber} onChange={(changed) => setNumber(changed.currentTarget.checked)} />
          {text.filter.asNumber}
        </label>
      )}
      <Button type="submit" kind="primary">{text.filter.apply}</Button>
    </form>
  );
}

/** A filter that compared with true or false goes on doing so while its value is left as it is. */
function readBoolean(line: string, given: readonly FilterScalar[]): boolean | null {
  return given.find((value) => typeof value === "boolean" && String(value) === line.trim()) as boolean | undefined ?? null;
}
