// A table of figures: a caption for those who don't see where it stands, the first column heads its row.
import type { ComponentChildren, JSX } from "preact";

export interface Column<T> {
  key: string;
  head: ComponentChildren;
  isNumber?: boolean;
  cell: (row: T) => ComponentChildren;
  title?: (row: T) => string | undefined;
}

/** isList: a phone has each row's cells beneath each other, under their names, where others are wound sideways. */
export function Table<T>({ caption, columns, rows, keyOf, isList }: {
  caption: string;
  isList?: boolean;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T, place: number) => string;
}): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table class={isList ? "table is-list" : "table"}>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>{columns.map((column) => <th scope="col" key={column.key} class={column.isNumber ? "number" : ""}>{column.head}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row, place) => (
            <tr key={keyOf(row, place)}>
              {columns.map((column, number) => {
                const classes = column.isNumber ? "number" : "truncate";
                return number === 0
                  ? <th scope="row" key={column.key} class={classes} title={column.title?.(row)}>{column.cell(row)}</th>
                  : <td key={column.key} class={classes} title={column.title?.(row)} data-label={typeof column.head === "string" ? column.head : undefined}>{column.cell(row)}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
