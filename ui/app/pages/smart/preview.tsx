// What rules mean, before anything is saved: how many events of these dates, and the newest of them.
import type { JSX } from "preact";
import type { SvEvent } from "../../api/types.ts";
import { formatMoment, formatNumber } from "../../model/format.ts";
import { rangeLabel, type Range } from "../../model/range.ts";
import type { Asked } from "../../state/ask.ts";
import { changeRange } from "../../state/scope.ts";
import { preview as text } from "../../text/smart.ts";
import { DateRange } from "../../ui/date-range.tsx";
import { EventLine } from "../../ui/event-line.tsx";
import { PersonLink } from "../../ui/links.tsx";
import { Answer } from "../../ui/states.tsx";

export interface Previewed {
  count: number;
  events: SvEvent[];
}

export function Preview({ asked, range, timezone, isAsked }: { asked: Asked<Previewed>; range: Range; timezone: string; isAsked: boolean }): JSX.Element {
  return (
    <section class="card preview" aria-labelledby="preview">
      <div class="row">
        <h2 id="preview" class="grow">{text.title}</h2>
        <DateRange range={range} onChange={changeRange} />
      </div>
      {!isAsked ? <p class="muted">{text.waiting}</p> : (
        <Answer asked={asked}>
          {({ count, events }) => (
            <>
              <p role="status" class="preview-count">{text.count(formatNumber(count), count === 1, rangeLabel(range))}</p>
              {count === 0 && <p class="muted small">{text.none}</p>}
              {events.length > 0 && (
                <ol aria-label={text.newest}>
                  {events.map((event) => (
                    <EventLine key={event.id} event={event} timezone={timezone}>
                      <time class="moment muted" dateTime={event.timestamp}>{formatMoment(event.timestamp, timezone)}</time>
                      <span class="who truncate"><PersonLink id={event.distinct_id} /></span>
                    </EventLine>
                  ))}
                </ol>
              )}
            </>
          )}
        </Answer>
      )}
    </section>
  );
}
