// A list of the API as a table, page by page, with what there is to say around it.
import type { ComponentChildren, JSX } from "preact";
import type { Listed } from "../../state/list.ts";
import { settings as text } from "../../text/settings.ts";
import { Button } from "../../ui/button.tsx";
import { Answer, Empty, Fault, Skeleton } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/table.tsx";

export function ListedTable<T>({ listed, caption, none, columns, keyOf }: {
  listed: Listed<T>;
  caption: string;
  none: string;
  columns: readonly Column<T>[];
  keyOf: (row: T) => string;
}): JSX.Element {
  return (
    <Answer asked={listed.asked} skeleton={<Skeleton height="12rem" />}>
      {(rows): ComponentChildren => (
        <>
          {rows.length === 0 ? <Empty title={none} /> : <Table isList caption={caption} columns={columns} rows={rows} keyOf={keyOf} />}
          {listed.moreFault && <Fault fault={listed.moreFault} onAgain={listed.showMore} />}
          {listed.hasMore && <div><Button disabled={listed.isLoadingMore} onClick={listed.showMore}>{text.more}</Button></div>}
        </>
      )}
    </Answer>
  );
}

export const doHead = (): JSX.Element => <span class="visually-hidden">{text.doColumn}</span>;
