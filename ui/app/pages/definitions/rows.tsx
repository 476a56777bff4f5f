import type { ComponentChildren, JSX } from "preact";
import { serverNowMs } from "../../api/client.ts";
import type { EventDefinition, Json, PropertyDefinition } from "../../api/types.ts";
import { addressLabel } from "../../model/addresses.ts";
import { dayOf, formatMoment, formatNumber } from "../../model/format.ts";
import { isNumeric } from "../../model/json.ts";
import { eventLabel, propertyLabel } from "../../model/names.ts";
import { hrefOf } from "../../state/router.ts";
import { definitions as text } from "../../text/definitions.ts";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icons.tsx";
import type { Definition } from "./page.tsx";

type OnEdit = ((definition: Definition) => void) | null;

const { columns } = text;
const SHOWN_DAYS = 6;

function Listing({ caption, kind, heads, hasEdit, children }: {
  caption: string;
  kind: string;
  heads: readonly { head: string; classes?: string }[];
  hasEdit: boolean;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="card listing-card">
      <table class={`table listing of-${kind}`}>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {heads.map(({ head, classes }) => <th scope="col" key={head} class={classes}>{head}</th>)}
            {hasEdit && <th scope="col" class="doing"><span class="visually-hidden">{columns.edit}</span></th>}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function Name({ definition, label, href }: { definition: Definition; label: string; href: string | null }): JSX.Element {
  return (
    <th scope="row">
      <span class="listing-name">
        <span class="row definition-name">
          {href === null ? <span class="truncate" title={definition.name}>{label}</span> : <a class="truncate" href={href} title={text.see(definition.name)}>{label}</a>}
          {definition.is_verified && <span class="verified" title={text.verified}><Icon name="check" /><span class="visually-hidden">{text.verified}</span></span>}
          {definition.is_hidden && <span class="tag">{text.isHidden}</span>}
        </span>
        {label !== definition.name && <span class="truncate muted mono" title={definition.name}>{definition.name}</span>}
        {definition.description && <span class="muted wrap">{definition.description}</span>}
      </span>
    </th>
  );
}

function Edit({ definition, onEdit }: { definition: Definition; onEdit: OnEdit }): JSX.Element | null {
  if (!onEdit) return null;
  return (
    <td class="number doing">
      <Button kind="quiet" isSmall icon="edit" label={text.editTitle(definition.name)} onClick={() => onEdit(definition)} />
    </td>
  );
}

/** The list of events shows the last days by itself: of one that was not sent lately the day when it was. */
const sinceOf = (lastSeen: string, timezone: string): string | null =>
  (serverNowMs() - Date.parse(lastSeen) > SHOWN_DAYS * 86_400_000 ? dayOf(Date.parse(lastSeen), timezone) : null);

export function EventRows({ rows, timezone, onEdit }: { rows: readonly EventDefinition[]; timezone: string; onEdit: OnEdit }): JSX.Element {
  const heads = [
    { head: columns.name }, { head: columns.volume, classes: "number" }, { head: columns.first, classes: "number wide" }, { head: columns.last, classes: "number wide" },
  ];
  return (
    <Listing caption={text.captions.events} kind="events" heads={heads} hasEdit={onEdit !== null}>
      {rows.map((row) => (
        <tr key={row.name}>
          <Name definition={row} label={eventLabel(row.name)} href={hrefOf("/events", { event: row.name, from: sinceOf(row.last_seen, timezone) })} />
          <td class="number">{formatNumber(row.volume_30d)}</td>
          <td class="number wide muted"><time dateTime={row.first_seen}>{formatMoment(row.first_seen, timezone)}</time></td>
          <td class="number wide muted"><time dateTime={row.last_seen}>{formatMoment(row.last_seen, timezone)}</time></td>
          <Edit definition={row} onEdit={onEdit} />
        </tr>
      ))}
    </Listing>
  );
}

const kindOf = (value: Json): string => (value === null ? "null" : Array.isArray(value) ? "array" : isNumeric(value) ? "number" : typeof value);

/** The JSON types among what is known of its values; one, as a rule. A datetime is a string. */
export function kindsOf({ type, example_values }: Pick<PropertyDefinition, "type" | "example_values">): string[] {
  return [...new Set([type === "datetime" ? "string" : type, ...example_values.map(kindOf)])];
}

const shown = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

export function PropertyRows({ rows, onEdit }: { rows: readonly PropertyDefinition[]; onEdit: OnEdit }): JSX.Element {
  const heads = [
    { head: columns.name }, { head: columns.type }, { head: columns.count, classes: "number" }, { head: columns.examples, classes: "wide" },
  ];
  return (
    <Listing caption={text.captions.properties} kind="properties" heads={heads} hasEdit={onEdit !== null}>
      {rows.map((row) => {
        const kinds = kindsOf(row);
        return (
          <tr key={row.name}>
            <Name definition={row} label={propertyLabel(row.name)} href={null} />
            <td>
              <span class="row">
                <span>{row.type}</span>
                {kinds.length > 1 && <span class="tag is-mixed" title={text.mixedTitle(kinds.join(", "))}>{text.mixed}<span class="visually-hidden">: {kinds.join(", ")}</span></span>}
              </span>
            </td>
            <td class="number">{formatNumber(row.event_count)}</td>
            <td class="wide muted">
              <span class="examples">
                {row.example_values.length === 0 && text.noExamples}
                {row.example_values.map((value, place) => <span key={place} class="tag truncate" title={shown(value)}>{addressLabel(shown(value), row.name)}</span>)}
              </span>
            </td>
            <Edit definition={row} onEdit={onEdit} />
          </tr>
        );
      })}
    </Listing>
  );
}
