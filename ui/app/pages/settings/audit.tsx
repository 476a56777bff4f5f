// Who changed what, the latest first.
import { Fragment, type JSX } from "preact";
import { projectPath } from "../../api/client.ts";
import type { AuditEntry } from "../../api/people.ts";
import type { Json } from "../../api/types.ts";
import { formatMoment } from "../../model/format.ts";
import { useList } from "../../state/list.ts";
import { audit as text, settings } from "../../text/settings.ts";
import type { Column } from "../../ui/table.tsx";
import { ListedTable } from "./listed.tsx";
import type { PartProps } from "./page.tsx";

export const ProjectTrail = ({ project }: PartProps): JSX.Element =>
  <Trail path={projectPath(project.id, "audit")} title={settings.names.audit} timezone={project.timezone} isWhole={false} />;

export const WholeTrail = ({ project }: PartProps): JSX.Element =>
  <Trail path="/audit" title={settings.names.trail} timezone={project.timezone} isWhole />;

function Trail({ path, title, timezone, isWhole }: { path: string; title: string; timezone: string; isWhole: boolean }): JSX.Element {
  const listed = useList<AuditEntry>(path, {});
  const head = text.columns;
  const columns: Column<AuditEntry>[] = [
    { key: "at", head: head.at, cell: (row) => formatMoment(row.at, timezone) },
    { key: "actor", head: head.actor, title: (row) => row.actor.name, cell: (row) => <span class="audit-part">{row.actor.name} <span class="muted">{text.kinds[row.actor.kind]}</span></span> },
    { key: "action", head: head.action, cell: (row) => <code class="audit-action">{wordsOf(row.action).map((word, at) => <Fragment key={at}>{word}<wbr /></Fragment>)}</code> },
    { key: "target", head: head.target, title: targetOf, cell: (row) => <span class={DIGEST.test(targetOf(row)) ? "audit-digest" : "audit-part"}>{targetOf(row)}</span> },
    ...(isWhole ? [{ key: "project", head: head.project, cell: (row: AuditEntry) => row.project_id ?? text.nothing }] : []),
    { key: "change", head: head.change, cell: (row) => <div class="audit-change small">{changeOf(row)}</div> },
  ];
  return (
    <section class="card stack">
      <h2>{title}</h2>
      <ListedTable listed={listed} caption={text.table} none={text.none} columns={columns} keyOf={(row) => row.id} />
    </section>
  );
}

/** What stands for a person who was erased. */
const DIGEST = /^[0-9a-f]{64}$/;
/** `project.rotate_token` as `project.`, `rotate_` and `token`, between which a line may end. */
const wordsOf = (action: string): string[] => action.match(/[^._]+[._]?/g) ?? [action];
const targetOf = ({ target }: AuditEntry): string => target.name ?? target.id ?? text.nothing;

const isObject = (value: Json): value is { [key: string]: Json } => typeof value === "object" && value !== null && !Array.isArray(value);
const shown = (value: Json | undefined): string => (value === undefined || value === null || value === "" ? text.nothing : typeof value === "string" ? value : JSON.stringify(value));

/** What is another than before, a field a part; an entry may have one side alone. */
export function changeOf({ before, after }: Pick<AuditEntry, "before" | "after">): string {
  const [old, now] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].filter((name) => shown(old[name]) !== shown(now[name]));
  return names
    .map((name) => `${name}: ${before === null ? shown(now[name]) : after === null ? shown(old[name]) : text.change(shown(old[name]), shown(now[name]))}`)
    .join(" · ");
}
