// The list of sessions, and one of them: `/sessions` and `/sessions/<id>`.
import type { JSX } from "preact";
import type { PageProps } from "../registry.ts";
import { List } from "./list.tsx";
import { One } from "./one.tsx";
import "./sessions.css";

export default function SessionsPage({ project, rest }: PageProps): JSX.Element {
  const [id] = rest;
  return id === undefined ? <List project={project} /> : <One key={id} project={project} id={id} />;
}
