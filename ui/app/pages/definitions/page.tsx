// Names of events and of properties: what was sent under them, and what is said of them here.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { projectPath, type Parameters } from "../../api/client.ts";
import { suggestEvents } from "../../api/definitions.ts";
import type { EventDefinition, PropertyDefinition } from "../../api/types.ts";
import { eventLabel } from "../../model/names.ts";
import { useList } from "../../state/list.ts";
import { setParameters } from "../../state/router.ts";
import { parameter } from "../../state/scope.ts";
import { mayWrite } from "../../state/session.ts";
import { definitions as text } from "../../text/definitions.ts";
import { AddressChoice, AddressField, AddressSearch, ClearAddress } from "../../ui/address-fields.tsx";
import { Button, Segmented } from "../../ui/button.tsx";
import { Answer, Empty, Fault, Skeleton } from "../../ui/states.tsx";
import type { PageProps } from "../registry.ts";
import { EditDialog } from "./edit.tsx";
import { EventRows, PropertyRows } from "./rows.tsx";
import "./definitions.css";

export type Kind = keyof typeof text.kinds;
export type Definition = EventDefinition | PropertyDefinition;

const MAX_SEARCH_CHARS = 200;
const NAMES = ["q", "of", "hidden"] as const;

export default function DefinitionsPage({ project }: PageProps): JSX.Element {
  const kind: Kind = parameter("show") === "properties" ? "properties" : "events";
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{text.title}</h1>
        <Segmented
          label={text.kind} value={kind} options={(Object.keys(text.kinds) as Kind[]).map((value) => ({ value, label: text.kinds[value] }))}
          onChange={(chosen) => setParameters({ show: chosen === "properties" ? chosen : null, of: null })}
        />
      </header>
      <div class="address-fields" role="group" aria-label={text.title}>
        <AddressSearch name="q" label={text.search} maxLength={MAX_SEARCH_CHARS} />
        {kind === "properties" && (
          <AddressField
            name="of" label={text.ofEvent} placeholder={text.anyEvent} labelOf={eventLabel} areNames
            suggest={(typed, signal) => suggestEvents(project.id, typed, signal)}
          />
        )}
        <AddressChoice name="hidden" label={text.hidden} options={text.hiddens} />
        <ClearAddress names={NAMES} />
      </div>
      <List key={kind} projectId={project.id} timezone={project.timezone} kind={kind} />
    </div>
  );
}

function List({ projectId, timezone, kind }: { projectId: string; timezone: string; kind: Kind }): JSX.Element {
  const query: Parameters = { search: parameter("q"), include_hidden: parameter("hidden") === "true" ? true : null };
  if (kind === "properties") query["event"] = parameter("of");
  const path = projectPath(projectId, kind === "events" ? "event_definitions" : "property_definitions");
  const listed = useList<Definition>(path, query);
  const [edited, setEdited] = useState<Definition | null>(null);
  const onEdit = mayWrite.value ? setEdited : null;
  const isFiltered = NAMES.some((name) => parameter(name));
  return (
    <>
      <Answer asked={listed.asked} skeleton={<Skeleton height="30rem" />}>
        {(rows) => rows.length === 0 ? (
          <div class="card">
            <Empty title={isFiltered ? text.none : text.nothing}><p>{isFiltered ? text.noneText : text.nothingText}</p></Empty>
          </div>
        ) : kind === "events"
          ? <EventRows rows={rows as readonly EventDefinition[]} timezone={timezone} onEdit={onEdit} />
          : <PropertyRows rows={rows as readonly PropertyDefinition[]} onEdit={onEdit} />}
      </Answer>
      {listed.moreFault && <Fault fault={listed.moreFault} onAgain={listed.showMore} />}
      {listed.hasMore && <Button onClick={listed.showMore} disabled={listed.isLoadingMore}>{listed.isLoadingMore ? text.loadingMore : text.more}</Button>}
      {edited && (
        <EditDialog
          path={path} kind={kind} definition={edited} onClose={() => setEdited(null)}
          onSaved={() => {
            setEdited(null);
            listed.asked.again();
          }}
        />
      )}
    </>
  );
}
