// Every page: its address, its place in the navigation, and the module that is loaded when somebody goes there. A page is a component that
// takes the names after its own in the path: `/persons/gus` is the page `persons` with ["gus"].
import type { ComponentType } from "preact";
import type { ProjectRole } from "../api/types.ts";
import { text } from "../text/en.ts";
import type { IconName } from "../ui/icons.tsx";

export interface PageProps {
  project: ProjectRole;
  rest: readonly string[];
}

export interface PageEntry {
  path: string;
  label: string;
  icon: IconName;
  group: keyof typeof text.groups;
  load: () => Promise<{ default: ComponentType<PageProps> }>;
}

export const PAGES: readonly PageEntry[] = [
  { path: "overview", label: text.pages.overview, icon: "overview", group: "analyse", load: () => import("./overview/page.tsx") },
  { path: "trends", label: text.pages.trends, icon: "trends", group: "analyse", load: () => import("./trends/page.tsx") },
  { path: "funnels", label: text.pages.funnels, icon: "funnel", group: "analyse", load: () => import("./funnels/page.tsx") },
  { path: "dashboards", label: text.pages.dashboards, icon: "board", group: "analyse", load: () => import("./dashboards/page.tsx") },
  { path: "events", label: text.pages.events, icon: "events", group: "people", load: () => import("./events/page.tsx") },
  { path: "persons", label: text.pages.persons, icon: "person", group: "people", load: () => import("./persons/page.tsx") },
  { path: "sessions", label: text.pages.sessions, icon: "session", group: "people", load: () => import("./sessions/page.tsx") },
  { path: "smart-events", label: text.pages.smart, icon: "smart", group: "manage", load: () => import("./smart/page.tsx") },
  { path: "definitions", label: text.pages.definitions, icon: "book", group: "manage", load: () => import("./definitions/page.tsx") },
  { path: "settings", label: text.pages.settings, icon: "settings", group: "manage", load: () => import("./settings/page.tsx") },
];

export const HOME = PAGES[0]?.path ?? "";
