// Choosing an event or a smart event, and a property to break an answer down by.
import type { JSX } from "preact";
import { smartEvents, suggestEvents, suggestProperties } from "../api/definitions.ts";
import { eventLabel, propertyLabel } from "../model/names.ts";
import type { Wanted } from "../model/query.ts";
import { useAsk } from "../state/ask.ts";
import { insights as text } from "../text/insights.ts";
import { Button } from "./button.tsx";
import { Combobox, type Suggestion } from "./combobox.tsx";

/** A smart event's id as a field's value: no event's name begins with NUL, which the server doesn't let in. */
const SMART = "\u0000";

async function suggested(projectId: string, typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  const part = typed.toLowerCase();
  const [events, smart] = await Promise.all([suggestEvents(projectId, typed, signal), smartEvents(projectId, signal)]);
  const named = smart.filter((each) => !each.archived && each.name.toLowerCase().includes(part));
  return [...named.map((each) => ({ value: SMART + each.id, label: each.name, note: text.smart })), ...events];
}

export function EventPicker({ projectId, wanted, label, onChange }: {
  projectId: string;
  wanted: Wanted;
  label: string;
  onChange: (chosen: Pick<Wanted, "event" | "actionId">) => void;
}): JSX.Element {
  const known = useAsk(wanted.actionId === null ? null : projectId, (signal) => smartEvents(projectId, signal));
  const nameOf = (value: string): string => {
    if (!value.startsWith(SMART)) return eventLabel(value);
    return known.data?.find((each) => SMART + each.id === value)?.name ?? (known.data ? text.gone : "…");
  };
  return (
    <Combobox
      label={label} isLabelHidden placeholder={text.chooseEvent} labelOf={nameOf} areNames
      value={wanted.actionId !== null ? SMART + wanted.actionId : (wanted.event ?? "")}
      suggest={(typed, signal) => suggested(projectId, typed, signal)}
      onChange={(value) => {
        if (value.startsWith(SMART)) onChange({ event: null, actionId: value.slice(SMART.length) });
        else onChange({ event: value === "" ? null : value, actionId: null });
      }}
    />
  );
}

export function BreakdownPicker({ projectId, value, onChange }: {
  projectId: string;
  value: string | null;
  onChange: (property: string | null) => void;
}): JSX.Element {
  return (
    <div class="breakdown">
      <Combobox
        label={text.breakdown} placeholder={text.noBreakdown} value={value ?? ""} labelOf={propertyLabel} areNames
        suggest={(typed, signal) => suggestProperties(projectId, null, typed, signal)} onChange={(chosen) => onChange(chosen || null)}
      />
      {value !== null && <Button kind="quiet" icon="close" label={text.clearBreakdown} onClick={() => onChange(null)} />}
    </div>
  );
}
