// Dashboards and one of them: `/dashboards` and `/dashboards/<id>`.
import type { JSX } from "preact";
import type { PageProps } from "../registry.ts";
import { List } from "./list.tsx";
import { One } from "./one.tsx";
import "./dashboards.css";

export default function DashboardsPage({ project, rest }: PageProps): JSX.Element {
  const [id] = rest;
  return id === undefined ? <List project={project} /> : <One key={id} project={project} id={id} />;
}
