// Saved insights and the dashboards that they stand on, as the API has them.
import type { Filter } from "./types.ts";

/** One event of trends or step of a funnel. Trends call an event's name `name`. */
export interface SavedPart {
  name?: string;
  event?: string;
  action_id?: string;
  math?: string;
  math_property?: string;
  filters?: Filter[];
}

export interface SavedQuery {
  events?: SavedPart[];
  steps?: SavedPart[];
  interval?: string;
  date_from?: string;
  date_to?: string;
  breakdown?: string;
  filters?: Filter[];
  conversion_window?: string | number;
  modes?: string[];
  aggregate_by?: string;
}

export interface SavedInsight {
  id: string;
  name: string;
  description: string;
  kind: "trends" | "funnel";
  query: SavedQuery;
  /** Of trends alone. */
  chart: "line" | "bar" | null;
  updated_at: string;
}

export interface Layout {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Tile {
  insight_id: string;
  title: string | null;
  layout: Layout;
  insight: SavedInsight;
}

export interface ListedDashboard {
  id: string;
  name: string;
  description: string;
  tile_count: number;
  updated_at: string;
}

export interface Dashboard extends ListedDashboard {
  tiles: Tile[];
}
