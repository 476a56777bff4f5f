// Persons, and the job that erases one.
import { ApiFault, get, post, projectPath } from "./client.ts";
import type { Person } from "./types.ts";

export interface Job {
  id: string;
  status: "queued" | "running" | "done" | "failed";
  progress: number;
  events_erased: number;
  left_behind: string[];
  error: string | null;
}

/** One person; null where there is none of this id. */
export async function personOf(projectId: string, id: string, signal: AbortSignal): Promise<Person | null> {
  try {
    return await get<Person>(projectPath(projectId, "persons", id), {}, signal);
  } catch (error) {
    if (error instanceof ApiFault && error.status === 404) return null;
    throw error;
  }
}

export const erasePerson = (projectId: string, id: string): Promise<Job> => post<Job>(projectPath(projectId, "persons", id, "erase"), {});

export const jobOf = (projectId: string, id: string, signal: AbortSignal): Promise<Job> => get<Job>(projectPath(projectId, "jobs", id), {}, signal);
