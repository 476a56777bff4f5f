// A card of few facts, each a name and a value; the title says in full what is cut off.
import type { JSX } from "preact";
import "../style/lists.css";

export type Fact = [name: string, value: JSX.Element | string, title?: string];

export function Facts({ facts }: { facts: readonly Fact[] }): JSX.Element {
  return (
    <dl class="card facts">
      {facts.map(([name, value, title]) => (
        <div key={name}>
          <dt class="muted">{name}</dt>
          <dd class="truncate" title={title ?? (typeof value === "string" ? value : "")}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
