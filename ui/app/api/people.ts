// What the API answers of projects' settings, tokens, users and the audit trail.
import type { Json, Role } from "./types.ts";

export const IDENTITIES = ["forward", "merged"] as const;

/** Days are from an event's own time or a recording's start; null keeps for ever. */
export interface ProjectSettings {
  identity: (typeof IDENTITIES)[number];
  event_retention_days: number | null;
  recording_retention_days: number | null;
  autocapture: boolean;
  respect_do_not_track: boolean;
  recording_sample_rate: number;
  mask_all_inputs: boolean;
  mask_all_text: boolean;
}

export const SCOPES = ["read", "write", "admin"] as const;
export type Scope = (typeof SCOPES)[number];
export const ROLES: readonly Role[] = ["viewer", "editor", "admin"];

export interface ApiToken {
  id: string;
  name: string;
  prefix: string;
  scopes: Scope[];
  /** null: of the whole instance. */
  project_id: string | null;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
}

export interface User {
  id: string;
  email: string;
  is_instance_admin: boolean;
  memberships: { project_id: string; role: Role }[];
  created_at: string;
}

export interface Member {
  user_id: string;
  email: string;
  role: Role;
  created_at: string;
}

export interface LoginSession {
  id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  address: string;
  user_agent: string;
  is_current: boolean;
}

export interface AuditEntry {
  id: string;
  at: string;
  actor: { kind: "user" | "api_token" | "cli"; id: string | null; name: string };
  action: string;
  project_id: string | null;
  target: { id: string | null; name: string | null };
  before: Json;
  after: Json;
}
