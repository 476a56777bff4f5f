// One event of a timeline: when, what and where; its properties beneath, once asked for. It is an item of a list.
import { Fragment } from "preact";
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import type { SvEvent } from "../api/types.ts";
import { pathOfUrl } from "../model/addresses.ts";
import { formatClock, formatMoment } from "../model/format.ts";
import { eventLabel, propertyLabel } from "../model/names.ts";
import "../style/event-line.css";
import { text } from "../text/en.ts";
import { Icon } from "./icons.tsx";
import { MakeSmart } from "./make-smart.tsx";
import { Value } from "./value.tsx";

/** children: what stands for its time, where that isn't the clock's. */
export function EventLine({ event, timezone, isCurrent, children }: {
  event: SvEvent;
  timezone: string;
  isCurrent?: boolean;
  children?: ComponentChildren;
}): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const url = event.properties["$current_url"];
  const where = typeof url === "string" ? pathOfUrl(url) : null;
  const name = eventLabel(event.event);
  return (
    <li class="event-line" aria-current={isCurrent ? "true" : undefined}>
      <div class="row">
        {children || <time class="moment muted" dateTime={event.timestamp} title={formatMoment(event.timestamp, timezone)}>{formatClock(event.timestamp, timezone)}</time>}
        <button type="button" class="expander grow" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <Icon name="chevron" />
          <span class="truncate" title={event.event}>{name}</span>{" "}
          {where !== null && <span class="truncate muted" title={String(url)}>{where}</span>}
        </button>
      </div>
      {isOpen && <Properties label={text.event.details(name)} of={event.properties} />}
      {isOpen && <MakeSmart of={event} />}
    </li>
  );
}

/** Names and values, as a list of terms. */
export function Properties({ label, of }: { label: string; of: SvEvent["properties"] }): JSX.Element {
  const entries = Object.entries(of);
  if (entries.length === 0) return <p class="muted small">{text.event.none}</p>;
  return (
    <dl class="properties" aria-label={label}>
      {entries.map(([property, value]) => (
        <Fragment key={property}>
          <dt class="muted truncate" title={property}>{propertyLabel(property)}</dt>
          <dd><Value of={value} property={property} /></dd>
        </Fragment>
      ))}
    </dl>
  );
}
