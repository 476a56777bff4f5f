// What the API answers and takes, as its OpenAPI document (/schema) has it. Only what the app reads is written down.
import type { ProjectSettings } from "./people.ts";

export interface Page<T> {
  data: T[];
  meta: { next_cursor: string | null; has_more: boolean };
}

export type Role = "viewer" | "editor" | "admin";

export interface ProjectRole {
  id: string;
  name: string;
  timezone: string;
  role: Role;
}

export interface Me {
  user: { id: string; email: string; is_instance_admin: boolean; created_at: string };
  projects: ProjectRole[];
}

export interface ProjectToken {
  token: string;
  created_at: string;
  expires_at: string | null;
}

export interface Project {
  id: string;
  name: string;
  timezone: string;
  settings: ProjectSettings;
  created_at: string;
  project_tokens: ProjectToken[] | null;
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface SvEvent {
  id: string;
  event: string;
  timestamp: string;
  received_at: string;
  distinct_id: string;
  anonymous_id: string | null;
  user_id: string | null;
  session_id: string;
  groups: string[];
  properties: Record<string, Json>;
}

export interface Person {
  distinct_id: string;
  user_id: string | null;
  properties: Record<string, Json>;
  first_seen: string;
  last_seen: string;
  event_count: number;
  session_count: number;
  country: string | null;
  device_type: string | null;
  browser: string | null;
}

export interface EventDefinition {
  name: string;
  description: string | null;
  is_verified: boolean;
  is_hidden: boolean;
  volume_30d: number;
  first_seen: string;
  last_seen: string;
}

export type PropertyType = "string" | "number" | "boolean" | "datetime" | "array" | "object";

export interface PropertyDefinition {
  name: string;
  description: string | null;
  is_verified: boolean;
  is_hidden: boolean;
  type: PropertyType;
  event_count: number;
  example_values: Json[];
}

export interface SmartEvent {
  id: string;
  name: string;
  description: string;
  rules: SmartRule[];
  archived: boolean;
  updated_at: string;
}

export const URL_MATCHES = ["exact", "contains", "regex"] as const;
export type UrlMatch = (typeof URL_MATCHES)[number];

export interface SmartRule {
  event: string | null;
  filters: Filter[];
  url: string | null;
  url_match: UrlMatch | null;
  selector: string | null;
  text: string | null;
}

export const OPERATORS = [
  "exact", "is_not", "icontains", "not_icontains", "regex", "not_regex", "gt", "gte", "lt", "lte", "is_set", "is_not_set",
] as const;
export type Operator = (typeof OPERATORS)[number];
export type FilterScalar = string | number | boolean;

export interface Filter {
  property: string;
  operator: Operator;
  value?: FilterScalar | FilterScalar[];
}

export const INTERVALS = ["hour", "day", "week", "month"] as const;
export type Interval = (typeof INTERVALS)[number];

export interface OverviewTotals {
  visitors: number;
  sessions: number;
  pageviews: number;
  bounce_rate: number | null;
  duration_seconds: number | null;
  views_per_session: number | null;
}

export type OverviewSeries = Record<"visitors" | "sessions" | "pageviews" | "bounce_rate" | "duration_seconds", (number | null)[]>;

export const BREAKDOWNS = [
  "pages", "entry_pages", "exit_pages", "referrers", "utm_source", "utm_medium", "utm_campaign", "countries", "devices",
  "browsers", "os",
] as const;
export type Breakdown = (typeof BREAKDOWNS)[number];

export interface OverviewRow {
  value: string | null;
  visitors: number;
  sessions?: number;
  pageviews?: number;
  bounce_rate?: number | null;
}

export interface Overview {
  date_from: string;
  date_to: string;
  timezone: string;
  interval: Interval;
  labels: string[];
  totals: OverviewTotals;
  previous: { date_from: string; date_to: string; totals: OverviewTotals; series: OverviewSeries } | null;
  series: OverviewSeries;
  live_visitors: number;
  tables: Partial<Record<Breakdown, OverviewRow[]>>;
  elapsed_ms: number;
}

export interface TrendsSeries {
  event: string;
  action_id?: string;
  math: string;
  math_property: string | null;
  breakdown_value: Json;
  values: (number | null)[];
  total: number | null;
}

export interface Trends {
  interval: Interval;
  date_from: string;
  date_to: string;
  timezone: string;
  breakdown: string | null;
  labels: string[];
  series: TrendsSeries[];
  elapsed_ms: number;
}

export interface FunnelStep {
  step: number;
  event: string;
  action_id?: string;
  count: number;
  conversion_rate: number | null;
  step_conversion_rate: number | null;
  drop_off: number;
  median_seconds: number | null;
  average_seconds: number | null;
}

export interface FunnelBreakdown {
  breakdown_value: Json;
  steps: FunnelStep[];
  conversion_rate: number | null;
}

export interface Funnel {
  steps: FunnelStep[];
  conversion_rate: number | null;
  conversion_window: string;
  date_from: string;
  date_to: string;
  timezone: string;
  aggregate_by: "person" | "session";
  modes: string[];
  breakdown: string | null;
  breakdowns?: FunnelBreakdown[];
  elapsed_ms: number;
}
