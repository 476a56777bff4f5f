import type { JSX } from "preact";
import { projectPath } from "../../api/client.ts";
import type { ProjectRole, SmartEvent } from "../../api/types.ts";
import { formatMoment } from "../../model/format.ts";
import { ruleSentence } from "../../model/rules.ts";
import { useList } from "../../state/list.ts";
import { hrefOf, pathOf } from "../../state/router.ts";
import { parameter } from "../../state/scope.ts";
import { mayWrite } from "../../state/session.ts";
import { smart as text } from "../../text/smart.ts";
import { AddressChoice } from "../../ui/address-fields.tsx";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icons.tsx";
import { Answer, Empty, Fault, Skeleton } from "../../ui/states.tsx";

function NewLink(): JSX.Element | null {
  if (!mayWrite.value) return null;
  return <a class="button is-primary" href={hrefOf("/smart-events/new")}><Icon name="plus" />{text.add}</a>;
}

export function List({ project }: { project: ProjectRole }): JSX.Element {
  const query = { include_archived: parameter("archived") === "true" ? true : null };
  const listed = useList<SmartEvent>(projectPath(project.id, "action_definitions"), query);
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{text.title}</h1>
        <div class="smart-archived"><AddressChoice name="archived" label={text.archivedToo} options={text.archiveds} /></div>
        <NewLink />
      </header>
      <p class="muted">{text.intro}</p>
      <Answer asked={listed.asked} skeleton={<Skeleton height="16rem" />}>
        {(rows) => rows.length === 0
          ? <div class="card"><Empty title={text.none}><p>{mayWrite.value ? text.noneText : text.noneViewer}</p></Empty></div>
          : <Rows rows={rows} timezone={project.timezone} />}
      </Answer>
      {listed.moreFault && <Fault fault={listed.moreFault} onAgain={listed.showMore} />}
      {listed.hasMore && <Button onClick={listed.showMore} disabled={listed.isLoadingMore}>{listed.isLoadingMore ? text.loadingMore : text.more}</Button>}
    </div>
  );
}

function Rows({ rows, timezone }: { rows: readonly SmartEvent[]; timezone: string }): JSX.Element {
  return (
    <div class="card listing-card">
      <table class="table listing of-smart">
        <caption class="visually-hidden">{text.caption}</caption>
        <thead>
          <tr>
            <th scope="col">{text.columns.name}</th>
            <th scope="col">{text.columns.rules}</th>
            <th scope="col" class="number wide">{text.columns.changed}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const sentence = row.rules.map(ruleSentence).join(text.or);
            return (
              <tr key={row.id}>
                <th scope="row">
                  <span class="listing-name">
                    <span class="row smart-name">
                      <a class="truncate" href={hrefOf(pathOf("smart-events", row.id))} title={row.name}>{row.name}</a>
                      {row.archived && <span class="tag">{text.archived}</span>}
                    </span>
                    {row.description && <span class="truncate muted" title={row.description}>{row.description}</span>}
                  </span>
                </th>
                <td class="truncate muted" title={sentence}>{sentence}</td>
                <td class="number wide muted"><time dateTime={row.updated_at}>{formatMoment(row.updated_at, timezone)}</time></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
