// The list of persons, and one of them: `/persons` and `/persons/<distinct id>`.
import type { JSX } from "preact";
import type { PageProps } from "../registry.ts";
import { List } from "./list.tsx";
import { One } from "./one.tsx";
import "./persons.css";

export default function PersonsPage({ project, rest }: PageProps): JSX.Element {
  const [id] = rest;
  return id === undefined ? <List project={project} /> : <One key={id} project={project} id={id} />;
}
