// What the project's settings ask of its pages: from the server, kept for an hour.
import { readJson, writeJson } from "./store.ts";

const KEPT_MS = 3_600_000;

export interface Config {
  autocapture: boolean;
  respectDoNotTrack: boolean;
  recordingSampleRate: number;
  maskAllInputs: boolean;
  maskAllText: boolean;
  recorderPath: string;
}

interface Kept {
  at: number;
  url: string;
  config: Config;
}

function urlOf(host: string, token: string): string {
  return `${host}/api/v1/ingest/config?token=${encodeURIComponent(token)}`;
}

/** What was answered within the last hour. */
export function keptConfig(host: string, token: string, now: number): Config | undefined {
  const kept = readJson<Kept>("config");
  return kept?.url === urlOf(host, token) && now - kept.at! < KEPT_MS && now >= kept.at! ? kept.config : undefined;
}

/** What the server answers, undefined where it doesn't. */
export async function askConfig(host: string, token: string): Promise<Config | undefined> {
  try {
    const answer = await fetch(urlOf(host, token), { credentials: "omit" });
    return answer.ok ? ((await answer.json()) as Config) : undefined;
  } catch {
    return undefined;
  }
}

export function keepConfig(host: string, token: string, now: number, config: Config): void {
  writeJson("config", { at: now, url: urlOf(host, token), config } satisfies Kept);
}
