// The menu of ways to take a question elsewhere, as a link or as the command that asks it, and its answer, as a table or a picture. It is there
// before the answer is, so that nothing beside it moves when that comes.
import type { JSX } from "preact";
import { API } from "../api/client.ts";
import { csvOf, curlOf, type Cell } from "../model/export.ts";
import { insights as text } from "../text/insights.ts";
import { copy, download } from "./copy.tsx";
import { Popover } from "./popover.tsx";

export function TakeAway({ name, path, body, answer }: {
  /** Of the files. */
  name: string;
  path: string;
  body: unknown;
  /** null without an answer. */
  answer: { rows: () => Cell[][]; picture: () => Promise<Blob | null> } | null;
}): JSX.Element {
  const ways: [string, (() => Promise<void> | void) | null][] = [
    [text.link, () => copy(location.href)],
    [text.curl, () => copy(curlOf(location.origin, API + path, body))],
    [text.csv, answer && (() => download(`${name}.csv`, new Blob([csvOf(answer.rows())], { type: "text/csv;charset=utf-8" })))],
    [text.png, answer && (async () => {
      const made = await answer.picture();
      if (made) download(`${name}.png`, made);
    })],
  ];
  return (
    <Popover label={text.take} name={text.take} icon="download" isAtEnd>
      {(close) => ways.map(([label, take]) => (
        <button
          type="button" class="option" key={label} disabled={take === null}
          onClick={() => {
            void take?.();
            close();
          }}
        >
          {label}
        </button>
      ))}
    </Popover>
  );
}
