// Links to a person and to a session. Where the page they lead to isn't part of the app, the name is all there is.
import type { JSX } from "preact";
import type { Range } from "../model/range.ts";
import { PAGES } from "../pages/registry.ts";
import { hrefOf, pathOf } from "../state/router.ts";

const has = (path: string): boolean => PAGES.some((page) => page.path === path);

export function PersonLink({ id, children }: { id: string; children?: string }): JSX.Element {
  return has("persons") ? <a href={hrefOf(pathOf("persons", id))}>{children ?? id}</a> : <span>{children ?? id}</span>;
}

/** The sessions of a person within the dates that are looked at here, in the address or not: what there is to watch. */
export function SessionsLink({ person, range, label, children }: { person: string; range: Range; label: string; children: string }): JSX.Element {
  if (!has("sessions")) return <span>{children}</span>;
  return <a href={hrefOf("/sessions", { person, from: range.from, to: range.to })} aria-label={label}>{children}</a>;
}

export function SessionLink({ id }: { id: string }): JSX.Element {
  return has("sessions") ? <a href={hrefOf(pathOf("sessions", id))}>{id}</a> : <span class="mono">{id}</span>;
}
