// One rule of a smart event, as fields. What is typed counts once its field is left, so that half a selector is never asked about.
import type { JSX } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { suggestEvents } from "../../api/definitions.ts";
import type { Detail } from "../../api/client.ts";
import { URL_MATCHES, type SmartRule, type UrlMatch } from "../../api/types.ts";
import { eventLabel } from "../../model/names.ts";
import { saysSomething } from "../../model/rules.ts";
import { builder as text } from "../../text/smart.ts";
import { Button } from "../../ui/button.tsx";
import { Combobox } from "../../ui/combobox.tsx";
import { FilterBar } from "../../ui/filter-bar.tsx";

const MAX_CHARS = { url: 8192, selector: 1000, text: 1000 };

export function RuleFields({ projectId, place, rule, details, isTried, onChange, onRemove }: {
  projectId: string;
  place: number;
  rule: SmartRule;
  /** What the server found wrong with it. */
  details: readonly Detail[];
  /** Whether saving was tried: what is missing is said then. */
  isTried: boolean;
  /** Of what has changed alone. */
  onChange: (change: Partial<SmartRule>) => void;
  onRemove: (() => void) | null;
}): JSX.Element {
  const match = rule.url_match ?? "exact";
  const problemOf = (field: string): string | null => details.find((each) => each.field.startsWith(`rules[${place}].${field}`))?.message ?? null;
  const own = details.find((each) => each.field === `rules[${place}]`)?.message ?? null;
  return (
    <fieldset class="card rule">
      <legend class="visually-hidden">{text.rule(place + 1)}</legend>
      <div class="rule-fields">
        <Combobox
          label={text.event} placeholder={text.anyEvent} value={rule.event ?? ""} labelOf={eventLabel} isInvalid={problemOf("event") !== null}
          suggest={(typed, signal) => suggestEvents(projectId, typed, signal)} onChange={(event) => onChange({ event: event || null })}
        />
        <div class="rule-url">
          <label class="field">
            <span class="visually-hidden">{text.urlMatch}</span>
            <select class="input" value={match} onChange={(event) => onChange({ url_match: event.currentTarget.value as UrlMatch })}>
              {URL_MATCHES.map((each) => <option key={each} value={each}>{text.matches[each]}</option>)}
            </select>
          </label>
          <Field label={text.url} isLabelHidden hint={text.urlHint[match]} value={rule.url} most={MAX_CHARS.url} problem={problemOf("url")} onChange={(url) => onChange({ url })} />
        </div>
        <Field label={text.selector} hint={text.selectorHint} value={rule.selector} most={MAX_CHARS.selector} problem={problemOf("selector")} onChange={(selector) => onChange({ selector })} />
        <Field label={text.text} hint={text.textHint} value={rule.text} most={MAX_CHARS.text} problem={problemOf("text")} onChange={(words) => onChange({ text: words })} />
      </div>
      <div class="row">
        <div class="grow">
          <FilterBar projectId={projectId} filters={rule.filters} onChange={(filters) => onChange({ filters })} event={rule.event} label={text.filters(place + 1)} />
        </div>
        {onRemove && <Button kind="quiet" icon="trash" label={text.removeRule(place + 1)} onClick={onRemove} />}
      </div>
      {problemOf("filters") && <p class="problem">{problemOf("filters")}</p>}
      {(own || (isTried && !saysSomething(rule))) && <p class="problem" role="alert">{own ?? text.empty}</p>}
    </fieldset>
  );
}

function Field({ label, isLabelHidden, hint, value, most, problem, onChange }: {
  label: string;
  isLabelHidden?: boolean;
  hint: string;
  value: string | null;
  most: number;
  problem: string | null;
  onChange: (value: string | null) => void;
}): JSX.Element {
  const id = useId();
  const [typed, setTyped] = useState(value ?? "");
  useEffect(() => setTyped(value ?? ""), [value]);
  return (
    <div class="field">
      <label for={id} class={isLabelHidden ? "visually-hidden" : ""}>{label}</label>
      <input
        id={id} class="input" type="text" spellcheck={false} autocomplete="off" placeholder={hint} value={typed} maxLength={most}
        aria-invalid={problem !== null ? "true" : undefined} aria-describedby={problem !== null ? `${id}-problem` : undefined}
        onInput={(event) => setTyped(event.currentTarget.value)} onChange={(event) => onChange(event.currentTarget.value.trim() || null)}
      />
      {problem !== null && <p class="problem" id={`${id}-problem`}>{problem}</p>}
    </div>
  );
}
