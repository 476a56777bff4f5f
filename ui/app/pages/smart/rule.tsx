// One rule of a smart event, as fields. What is typed counts once its field is left, so that half a selector is never asked about.
import type { JSX } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { suggestEvents } from "../../api/definitions.ts";
import { URL_MATCHES, type SmartRule, type UrlMatch } from "../../api/types.ts";
import { eventLabel } from "../../model/names.ts";
import { saysSomething } from "../../model/rules.ts";
import { builder as text } from "../../text/smart.ts";
import { Button } from "../../ui/button.tsx";
import { Combobox } from "../../ui/combobox.tsx";
import { FilterBar } from "../../ui/filter-bar.tsx";
import { aboutOf, Trouble, useTold } from "../../ui/form.tsx";

const MAX_CHARS = { url: 8192, selector: 1000, text: 1000 };

export function RuleFields({ projectId, place, rule, isTried, onChange, onRemove }: {
  projectId: string;
  place: number;
  rule: SmartRule;
  /** Whether saving was tried: what is missing is said then. */
  isTried: boolean;
  /** Of what has changed alone. */
  onChange: (change: Partial<SmartRule>) => void;
  onRemove: (() => void) | null;
}): JSX.Element {
  const match = rule.url_match ?? "exact";
  const name = `rules[${place}]`; // in the API's answers
  const whole = useTold(name, isTried && !saysSomething(rule) ? text.empty : null);
  const ofEvent = useTold(`${name}.event`);
  const ofFilters = useTold(`${name}.filters`);
  return (
    <fieldset class="card rule" aria-describedby={whole.said === "" ? undefined : whole.id}>
      <legend class="visually-hidden">{text.rule(place + 1)}</legend>
      <div class="rule-fields">
        <div>
          <Combobox
            label={text.event} placeholder={text.anyEvent} value={rule.event ?? ""} labelOf={eventLabel} areNames told={ofEvent}
            suggest={(typed, signal) => suggestEvents(projectId, typed, signal)} onChange={(event) => onChange({ event: event || null })}
          />
          <Trouble told={ofEvent} />
        </div>
        <div class="rule-url">
          <label class="field">
            <span class="visually-hidden">{text.urlMatch}</span>
            <select class="input" value={match} onChange={(event) => onChange({ url_match: event.currentTarget.value as UrlMatch })}>
              {URL_MATCHES.map((each) => <option key={each} value={each}>{text.matches[each]}</option>)}
            </select>
          </label>
          <Words label={text.url} isLabelHidden hint={text.urlHint[match]} value={rule.url} most={MAX_CHARS.url} name={`${name}.url`} onChange={(url) => onChange({ url })} />
        </div>
        <Words label={text.selector} hint={text.selectorHint} value={rule.selector} most={MAX_CHARS.selector} name={`${name}.selector`} onChange={(selector) => onChange({ selector })} />
        <Words label={text.text} hint={text.textHint} value={rule.text} most={MAX_CHARS.text} name={`${name}.text`} onChange={(words) => onChange({ text: words })} />
      </div>
      <div class="row">
        <div class="grow">
          <FilterBar projectId={projectId} filters={rule.filters} onChange={(filters) => onChange({ filters })} event={rule.event} label={text.filters(place + 1)} told={ofFilters} />
        </div>
        {onRemove && <Button kind="quiet" icon="trash" label={text.removeRule(place + 1)} onClick={onRemove} />}
      </div>
      <Trouble told={ofFilters} />
      <Trouble told={whole} />
    </fieldset>
  );
}

function Words({ label, isLabelHidden, hint, value, most, name, onChange }: {
  label: string;
  isLabelHidden?: boolean;
  hint: string;
  value: string | null;
  most: number;
  name: string;
  onChange: (value: string | null) => void;
}): JSX.Element {
  const id = useId();
  const told = useTold(name);
  const [typed, setTyped] = useState(value ?? "");
  useEffect(() => setTyped(value ?? ""), [value]);
  return (
    <div class="field">
      <label for={id} class={isLabelHidden ? "visually-hidden" : ""}>{label}</label>
      <input
        id={id} class="input" type="text" spellcheck={false} autocomplete="off" placeholder={hint} value={typed} maxLength={most}
        {...aboutOf(told)}
        onInput={(event) => setTyped(event.currentTarget.value)} onChange={(event) => onChange(event.currentTarget.value.trim() || null)}
      />
      <Trouble told={told} />
    </div>
  );
}
