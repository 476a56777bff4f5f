// The one way to the server: JSON in, JSON out, the login's cookie along with it. What isn't 2xx is thrown as an ApiFault,
// what never arrived as one with the status 0; an aborted request throws the platform's AbortError, which nobody shows. What only reads is
// asked once more where the network breaks off, as it does when a laptop goes from one to another.

import { parseJson } from "../model/json.ts";
import { segmentOf } from "../model/path.ts";
import { BASE } from "../state/base.ts";

export interface Detail {
  field: string;
  message: string;
}

export class ApiFault extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: readonly Detail[];
  readonly retryAfterS: number | null;

  constructor(status: number, code: string, message: string, details: readonly Detail[] = [], retryAfterS: number | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.retryAfterS = retryAfterS;
  }
}

export const API = `${BASE}/api/v1`;

export type Scalar = string | number | boolean;
export type Parameters = Record<string, Scalar | null | undefined>;

export interface Ask {
  query?: Parameters;
  body?: unknown;
  signal?: AbortSignal;
}

let whenLoggedOut: () => void = () => undefined;
let login = 0;
/** How long a network that broke off is left alone. */
const AGAIN_MS = 300;

/** There is a new login: a refusal of what was asked with the one before says nothing of it, and that is asked once more. */
export function noteLogin(): void {
  login++;
}

/** Called at every 401: the login has ended, here or elsewhere. */
export function onLoggedOut(callback: () => void): void {
  whenLoggedOut = callback;
}

let aheadMs = 0;

/** Unix milliseconds by the server's clock, as far as its answers have told it: the browser's may be wrong, or be put right. */
export const serverNowMs = (): number => Date.now() + aheadMs;

function noteClock(date: string | null): void {
  const atMs = Date.parse(date ?? "");
  if (!Number.isNaN(atMs)) aheadMs = atMs - Date.now();
}

export function queryString(query: Parameters): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

/** The path of a project's own routes; `parts` are names, encoded here. */
export function projectPath(projectId: string, ...parts: string[]): string {
  return ["/projects", encodeURIComponent(projectId), ...parts.map(segmentOf)].join("/");
}

export async function ask<T>(method: string, path: string, { query = {}, body, signal }: Ask = {}): Promise<T> {
  const init: RequestInit = { method, headers: { accept: "application/json" }, credentials: "same-origin" };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { accept: "application/json", "content-type": "application/json" };
  }
  const asked = login;
  const { response, answer } = await arrived(API + path + queryString(query), init);
  if (response.ok) return answer as T;
  const fault = await faultOf(response);
  if (fault.status === 401 && path !== "/auth/login") {
    if (asked !== login) return ask(method, path, { query, body, ...(signal && { signal }) });
    whenLoggedOut();
  }
  throw fault;
}

interface Arrived {
  response: Response;
  answer: unknown;
}

/** A response, with all of its body where it is an answer. */
async function arrived(url: string, init: RequestInit): Promise<Arrived> {
  const isReading = init.method === "GET" || init.signal !== undefined; // what may be aborted changes nothing
  for (let tries = isReading ? 2 : 1; ; tries--) {
    try {
      const response = await fetch(url, init);
      noteClock(response.headers.get("date"));
      return { response, answer: response.ok && response.status !== 204 ? parseJson(await response.text()) : undefined };
    } catch (error) {
      if (isAbort(error)) throw error;
      if (tries === 1) throw new ApiFault(0, "UNREACHABLE", "");
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
}

export const get = <T>(path: string, query: Parameters = {}, signal?: AbortSignal): Promise<T> =>
  ask<T>("GET", path, signal ? { query, signal } : { query });

/** signal: of a question that only reads, and may be asked twice. */
export const post = <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> =>
  ask<T>("POST", path, signal ? { body, signal } : { body });

export const patch = <T>(path: string, body: unknown): Promise<T> => ask<T>("PATCH", path, { body });

export const remove = (path: string): Promise<void> => ask<void>("DELETE", path);

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Whether the same question may be answered in a while. */
export function mayPass(error: unknown): boolean {
  return error instanceof ApiFault && (error.status === 0 || error.status === 429 || error.status >= 500);
}

export async function faultOf(response: Response): Promise<ApiFault> {
  let body: { error?: unknown; code?: unknown; details?: unknown } = {};
  try {
    body = (await response.json()) as typeof body;
  } catch {
    // a proxy's page in between, not the server's
  }
  const wait = Number(response.headers.get("retry-after"));
  return new ApiFault(
    response.status,
    typeof body.code === "string" ? body.code : "UNKNOWN",
    typeof body.error === "string" ? body.error : "",
    Array.isArray(body.details) ? (body.details as Detail[]) : [],
    Number.isFinite(wait) && wait > 0 ? wait : null,
  );
}
