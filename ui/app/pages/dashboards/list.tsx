import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { patch, post, projectPath, remove } from "../../api/client.ts";
import type { Dashboard, ListedDashboard, SavedInsight } from "../../api/dashboards.ts";
import type { ProjectRole } from "../../api/types.ts";
import { changed } from "../../model/changes.ts";
import { formatMoment, formatNumber } from "../../model/format.ts";
import { placeOf } from "../../model/saved.ts";
import { useList } from "../../state/list.ts";
import { go, hrefOf, pathOf } from "../../state/router.ts";
import { mayWrite } from "../../state/session.ts";
import { dashboards as text, saved } from "../../text/dashboards.ts";
import { Button } from "../../ui/button.tsx";
import { Confirm } from "../../ui/form.tsx";
import { Answer, Empty, Fault, Skeleton } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { toast } from "../../ui/toasts.tsx";
import { Naming } from "./naming.tsx";

export function List({ project }: { project: ProjectRole }): JSX.Element {
  const path = projectPath(project.id, "dashboards");
  const { asked, hasMore, isLoadingMore, moreFault, showMore } = useList<ListedDashboard>(path, {});
  const [isMaking, setMaking] = useState(false);
  const make = async (naming: { name: string; description: string }): Promise<void> => {
    const made = await post<Dashboard>(path, naming);
    go(hrefOf(pathOf("dashboards", made.id)));
  };
  const head = text.columns;
  const columns: Column<ListedDashboard>[] = [
    { key: "name", head: head.name, title: (row) => row.name, cell: (row) => <a href={hrefOf(pathOf("dashboards", row.id))}>{row.name}</a> },
    { key: "description", head: head.description, title: (row) => row.description, cell: (row) => row.description },
    { key: "tiles", head: head.tiles, isNumber: true, cell: (row) => formatNumber(row.tile_count) },
    { key: "updated", head: head.updated, isNumber: true, cell: (row) => formatMoment(row.updated_at, project.timezone) },
  ];
  return (
    <div class="page board-list">
      <header class="page-head">
        <h1 tabIndex={-1}>{text.title}</h1>
        {mayWrite.value && <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>{text.create}</Button>}
      </header>
      <div class="card">
        <Answer asked={asked} skeleton={<Skeleton height="12rem" />}>
          {(rows) => (rows.length === 0
            ? <Empty title={text.none}><p>{mayWrite.value ? text.noneText : text.noneForViewers}</p></Empty>
            : (
              <>
                <Table isList caption={text.table} columns={columns} rows={rows} keyOf={(row) => row.id} />
                {moreFault && <Fault fault={moreFault} onAgain={showMore} />}
                {hasMore && <div><Button disabled={isLoadingMore} onClick={showMore}>{text.more}</Button></div>}
              </>
            ))}
        </Answer>
      </div>
      <Insights project={project} />
      {isMaking && <Naming title={text.create} act={text.submit} name="" description="" onSave={make} onClose={() => setMaking(false)} />}
    </div>
  );
}

function Insights({ project }: { project: ProjectRole }): JSX.Element {
  const { asked, hasMore, isLoadingMore, moreFault, showMore } = useList<SavedInsight>(projectPath(project.id, "insights"), {});
  const [changing, setChanging] = useState<SavedInsight | null>(null);
  const [leaving, setLeaving] = useState<SavedInsight | null>(null);
  const pathTo = (insight: SavedInsight): string => projectPath(project.id, "insights", insight.id);
  const head = saved.columns;
  const columns: Column<SavedInsight>[] = [
    {
      key: "name", head: head.name, title: (row) => row.name, cell: (row) => {
        const { path, parameters } = placeOf(row);
        return <a href={hrefOf(path, parameters)}>{row.name}</a>;
      },
    },
    { key: "kind", head: head.kind, cell: (row) => saved.kinds[row.kind] },
    { key: "description", head: head.description, title: (row) => row.description, cell: (row) => row.description },
    { key: "updated", head: head.updated, isNumber: true, cell: (row) => formatMoment(row.updated_at, project.timezone) },
    ...(mayWrite.value ? [{
      key: "do", head: <span class="visually-hidden">{saved.doColumn}</span>, isNumber: true, cell: (row: SavedInsight) => (
        <>
          <Button isSmall aria-label={saved.edit(row.name)} onClick={() => setChanging(row)}>{saved.editShort}</Button>{" "}
          <Button isSmall kind="danger" aria-label={saved.remove(row.name)} onClick={() => setLeaving(row)}>{saved.removeShort}</Button>
        </>
      ),
    }] : []),
  ];
  return (
    <section class="card stack">
      <h2>{saved.title}</h2>
      <Answer asked={asked} skeleton={<Skeleton height="12rem" />}>
        {(rows) => (
          <>
            {rows.length === 0
              ? <p class="muted small">{saved.none}. {saved.noneText}</p>
              : <Table isList caption={saved.table} columns={columns} rows={rows} keyOf={(row) => row.id} />}
            {moreFault && <Fault fault={moreFault} onAgain={showMore} />}
            {hasMore && <div><Button disabled={isLoadingMore} onClick={showMore}>{text.more}</Button></div>}
          </>
        )}
      </Answer>
      {changing && (
        <Naming
          title={text.editTitle} act={text.save} name={changing.name} description={changing.description}
          onSave={(naming) => patch(pathTo(changing), changed(naming, changing)).then(asked.again)} onClose={() => setChanging(null)}
        />
      )}
      {leaving && (
        <Confirm
          title={saved.removeTitle(leaving.name)} act={saved.removeShort} onClose={() => setLeaving(null)}
          onDo={async () => {
            await remove(pathTo(leaving));
            toast(text.removed(leaving.name));
            asked.again();
          }}
        >
          <p>{saved.removeText}</p>
        </Confirm>
      )}
    </section>
  );
}
