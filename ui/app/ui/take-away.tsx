// The menu of ways to take an answer elsewhere: as a link, as the command that asks for it, as a table, as a picture.
import type { JSX } from "preact";
import { API } from "../api/client.ts";
import { csvOf, curlOf, type Cell } from "../model/export.ts";
import { insights as text } from "../text/insights.ts";
import { copy, download } from "./copy.tsx";
import { Popover } from "./popover.tsx";

export function TakeAway({ name, path, body, rows, picture }: {
  /** Of the files. */
  name: string;
  path: string;
  body: unknown;
  rows: () => Cell[][];
  picture: () => Promise<Blob | null>;
}): JSX.Element {
  const ways: [string, () => Promise<void> | void][] = [
    [text.link, () => copy(location.href)],
    [text.curl, () => copy(curlOf(location.origin, API + path, body))],
    [text.csv, () => download(`${name}.csv`, new Blob([csvOf(rows())], { type: "text/csv;charset=utf-8" }))],
    [text.png, async () => {
      const made = await picture();
      if (made) download(`${name}.png`, made);
    }],
  ];
  return (
    <Popover label={text.take} name={text.take} icon="download" isAtEnd>
      {(close) => ways.map(([label, take]) => (
        <button
          type="button" class="option" key={label}
          onClick={() => {
            void take();
            close();
          }}
        >
          {label}
        </button>
      ))}
    </Popover>
  );
}
