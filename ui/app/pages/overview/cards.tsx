// The tables of the overview: what of, how many visitors, and a bar behind. A click on a row keeps to it, another lets go of it.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Breakdown, Filter, OverviewRow } from "../../api/types.ts";
import { filterOfValue, withFilter, withoutFilter, writeFilter } from "../../model/filters.ts";
import { formatNumber, formatShort } from "../../model/format.ts";
import { valueLabel, valueTitle } from "../../model/names.ts";
import { setParameters } from "../../state/router.ts";
import { changeFilters, parameter } from "../../state/scope.ts";
import { overview as text } from "../../text/overview.ts";
import { Button, Segmented } from "../../ui/button.tsx";
import { Answer, Skeleton } from "../../ui/states.tsx";
import { useTables, type Question } from "./ask.ts";

export const ROWS = 10;
export const MANY_ROWS = 100;

const CARDS = {
  pages: ["pages", "entry_pages", "exit_pages"],
  sources: ["referrers", "utm_source", "utm_medium", "utm_campaign"],
  places: ["countries"],
  devices: ["devices", "browsers", "os"],
} as const satisfies Record<string, readonly Breakdown[]>;
type Card = keyof typeof CARDS;

/** What a table's values are values of, for filters. */
const PROPERTY: Record<Breakdown, string> = {
  pages: "$current_url", entry_pages: "$entry_page", exit_pages: "$exit_page", referrers: "$referring_domain", utm_source: "utm_source",
  utm_medium: "utm_medium", utm_campaign: "utm_campaign", countries: "$country", devices: "$device_type", browsers: "$browser", os: "$os",
};

function shownIn(card: Card): Breakdown {
  const chosen = parameter(card);
  return CARDS[card].find((each) => each === chosen) ?? CARDS[card][0];
}

export function Cards({ filters, ...question }: Question & { filters: readonly Filter[] }): JSX.Element {
  const [isLong, setLong] = useState<readonly Breakdown[]>([]);
  const names = Object.keys(CARDS) as Card[];
  const shown = names.map(shownIn);
  const short = useTables(question, shown.filter((each) => !isLong.includes(each)), ROWS);
  const long = useTables(question, shown.filter((each) => isLong.includes(each)), MANY_ROWS);
  return (
    <div class="overview-cards">
      {names.map((name, place) => {
        const breakdown = shown[place] ?? "pages";
        const asked = isLong.includes(breakdown) ? long : short;
        const rows = asked.data?.[breakdown];
        const tabs = CARDS[name] as readonly Breakdown[];
        return (
          <section class="card overview-card" key={name} aria-label={text.cards[name]}>
            <header class="row">
              <h2>{text.cards[name]}</h2>
              {tabs.length > 1 && (
                <Segmented
                  label={text.cards[name]} value={breakdown} options={tabs.map((value) => ({ value, label: text.tabs[value] }))}
                  onChange={(chosen) => setParameters({ [name]: chosen === tabs[0] ? null : chosen })}
                />
              )}
            </header>
            <Answer asked={{ ...asked, data: rows ?? null }} skeleton={<Skeleton height="20rem" />}>
              {(found) => <Rows breakdown={breakdown} rows={found} filters={filters} isLong={isLong.includes(breakdown)} />}
            </Answer>
            {rows && rows.length >= ROWS && !isLong.includes(breakdown) && (
              <div><Button kind="quiet" isSmall onClick={() => setLong([...isLong, breakdown])}>{text.more}</Button></div>
            )}
          </section>
        );
      })}
    </div>
  );
}

function Rows({ breakdown, rows, filters, isLong }: {
  breakdown: Breakdown;
  rows: readonly OverviewRow[];
  filters: readonly Filter[];
  isLong: boolean;
}): JSX.Element {
  if (rows.length === 0) return <p class="muted small overview-none">{breakdown.endsWith("pages") ? text.noPages : text.nothing}</p>;
  const most = Math.max(...rows.map((row) => row.visitors), 1);
  return (
    <>
      <p class="overview-over muted">{text.visitors}</p>
      <ul class={`overview-rows${isLong ? " is-long" : ""}`} {...(isLong && { tabIndex: 0, "aria-label": text.tabs[breakdown] })}>
        {rows.map((row) => {
          const filter = filterOfValue(PROPERTY[breakdown], row.value);
          const isOn = filters.some((each) => writeFilter(each) === writeFilter(filter));
          const name = row.value === null ? (text.none[breakdown] ?? valueLabel(null, PROPERTY[breakdown])) : valueLabel(row.value, PROPERTY[breakdown]);
          const whole = row.value === null ? name : valueTitle(row.value, PROPERTY[breakdown]);
          return (
            <li key={row.value ?? ""}>
              <button
                type="button" class="overview-row" aria-pressed={isOn} title={isOn ? text.notOnly(whole) : text.only(whole)}
                onClick={() => changeFilters(isOn ? withoutFilter(filters, filter) : withFilter(filters, filter))}
              >
                <span class="overview-bar" style={{ width: `calc((100% - 4rem) * ${row.visitors / most})` }} />
                <span class="truncate grow">{name}</span>
                <span class="number" title={formatNumber(row.visitors)}>{formatShort(row.visitors)}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}
