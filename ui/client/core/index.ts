// The browser client: what is at `window.sessionvision`. Takes the place of the snippet's stub and does what was asked of that.
// Nothing here throws into the page.
import type { Properties, SessionVision, SessionVisionOptions } from "../sv.d.ts";
import { CAPTURED_BY_ITSELF, startAutocapture, watchNavigation } from "./autocapture.ts";
import { askConfig, keepConfig, keptConfig, type Config } from "./config.ts";
import { anonymousId, forget, goingOn, nextChunk, noteArrival, register, registered, registerOnce, sessionAt, uuid } from "./identity.ts";
import { mask } from "./mask.ts";
import { enqueue, giveUp, handOver, openQueue, withdraw } from "./queue.ts";
import { isObject, read, toJson, write } from "./store.ts";

declare const VERSION: string;

const BASE: string = "__SV_BASE__";

/** What the recorder is given. See recorder/index.ts. */
export interface RecorderHost {
  host: string;
  token: string;
  maskAllInputs: boolean;
  maskAllText: boolean;
  /** The session that goes on at this moment, and whose it is. */
  session(): { id: string; anonymousId: string; userId: string; isRecorded: boolean };
  /** The index of a session's next chunk, taken when asked for; undefined where it doesn't go on any more. */
  nextIndex(sessionId: string): number | undefined;
  log(...words: unknown[]): void;
}

/** flush: hand over what was recorded so far. navigated: another page is seen that was not loaded. */
export type Recorder = { flush(): void; navigated(): void; stop(): void };
type Call = [name: keyof SessionVision, given: IArguments | unknown[], at: number];
type Stub = Partial<SessionVision> & { q?: Call[] | { push(call: Call): void } };

/** Calls that wait for `init`, or for whether the visitor may be counted. */
const MOST_WAITING = 200;

const global = window as unknown as { sessionvision?: Stub; __svRecorder?: (start: (host: RecorderHost) => Recorder) => void };
const script = document.currentScript as HTMLScriptElement | null;
const ids = () => ({ anonymousId: anonymousId(), userId: read("user_id") });

let options: SessionVisionOptions = {};
let token = "";
let host = "";
let state: "new" | "deciding" | "on" | "off" = "new";
let waiting: Call[] = [];
let stopAutocapture: (() => void) | undefined;
let recorder: Recorder | undefined;
let isRecorderAsked = false;
let isNavigationWatched = false;

function log(...words: unknown[]): void {
  if (options.debug) console.log("[sessionvision]", ...words);
}

function isOptedOut(): boolean {
  const chosen = read("opt_out");
  return chosen ? chosen === "1" : !!options.optOut;
}

function asksNotToBeTracked(): boolean {
  return navigator.doNotTrack === "1" || (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true;
}

// ---- Events ----

function capture(event: unknown, properties: unknown, at = Date.now(), isAlone = false): void {
  const name = String(event ?? "").trim();
  if (!name || name.length > 200) return log("ignored: a name has 1 to 200 characters", event);
  const session = sessionAt(at);
  const userId = read("user_id");
  const common = isAlone
    ? {}
    : {
        $current_url: location.href,
        $title: mask(String(document.title)), // a form of this name is found there, too
        $screen_width: screen.width,
        $screen_height: screen.height,
        $viewport_width: innerWidth,
        $viewport_height: innerHeight,
        $language: navigator.language,
        $timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        $lib: "web",
        $lib_version: VERSION,
        ...session.arrival,
        ...registered(),
      };
  enqueue(
    toJson({
      event: name,
      timestamp: at,
      eventId: uuid(),
      anonymousId: anonymousId(),
      ...(userId && { userId }),
      sessionId: session.id,
      properties: { ...common, ...(isObject(properties) && properties) },
    }),
  );
  log("captured", name, properties);
}

// ---- Starting ----

function init(projectToken: unknown, given?: SessionVisionOptions): void {
  if (token) return log("init was called before");
  if (typeof projectToken !== "string" || !projectToken) return console.warn("[sessionvision] init needs a project token");
  token = projectToken;
  options = { ...given };
  host = (options.ingestHost ?? serverOf(script?.src)).replace(/\/+$/, "");
  if ((document as { prerendering?: boolean }).prerendering) document.addEventListener("prerenderingchange", () => safely(begin), { once: true });
  else begin();
}

/** The server that the script came from, which writes into it below which path of its host it is; a copy of the file elsewhere says none. */
function serverOf(url: string | undefined): string {
  return url ? new URL(url).origin + BASE.replace(/^_.*/, "") : location.origin;
}

/** Start, unless the visitor doesn't want to be counted. Whether the project respects what a browser asks, it may have to say first. */
function begin(): void {
  const apiHost = (options.apiHost ?? host).replace(/\/+$/, "");
  if (isOptedOut()) return ended("opted out");
  const asks = asksNotToBeTracked();
  if (asks && options.respectDoNotTrack) return ended("Do Not Track");
  const kept = keptConfig(apiHost, token, Date.now());
  if (asks && options.respectDoNotTrack === undefined && kept?.respectDoNotTrack !== false) {
    state = "deciding";
    void askConfig(apiHost, token).then((config) => {
      if (state !== "deciding") return;
      if (config?.respectDoNotTrack === false) safely(() => start(config));
      else ended("Do Not Track");
    });
    return;
  }
  start(kept);
  if (kept) return;
  void askConfig(apiHost, token).then((config) => {
    if (config && state === "on") {
      keepConfig(apiHost, token, Date.now(), config);
      safely(() => apply(config));
    }
  });
}

function ended(why: string): void {
  log("nothing is captured:", why);
  state = "off";
  waiting = [];
}

function end(): void {
  giveUp();
  recorder?.stop();
  isRecorderAsked = false;
  stopAutocapture?.();
  ended("opted out");
}

/** Whether things are captured. Another tab may have opted out meanwhile: then what is kept is gone, and nothing is kept again. */
function isOn(): boolean {
  if (state === "on" && read("opt_out") === "1") end();
  return state === "on";
}

function start(config: Config | undefined): void {
  state = "on";
  openQueue(host, token, log);
  noteArrival(Date.now());
  if (options.autocapture ?? config?.autocapture ?? true)
    stopAutocapture = startAutocapture(
      // A page that is left when its session is over, hours later perhaps, begins none.
      (event, properties, at) => isOn() && (event !== "$pageleave" || goingOn(Date.now())) && capture(event, properties, at),
    );
  // After autocapture's own listener, so that what is captured when a page is left goes too.
  addEventListener("pagehide", () => isOn() && handOver(true));
  document.addEventListener("visibilitychange", () => isOn() && document.visibilityState === "hidden" && handOver(false));
  addEventListener("storage", () => void isOn());
  const calls = waiting;
  waiting = [];
  for (const call of calls) run(...call);
  if (config) apply(config);
}

/** Do as the project's settings say, which may be known only now. */
function apply(config: Config): void {
  if (options.autocapture === undefined && !config.autocapture && stopAutocapture) {
    stopAutocapture();
    stopAutocapture = undefined;
    withdraw((event) => CAPTURED_BY_ITSELF.includes((JSON.parse(event) as { event: string }).event));
  }
  const isRecorded = () => isOn() && parseInt(sessionAt(Date.now()).id.slice(0, 8), 16) < config.recordingSampleRate * 2 ** 32;
  if (isRecorderAsked || config.recordingSampleRate <= 0) return;
  isRecorderAsked = true;
  if (!isNavigationWatched) watchNavigation(() => recorder?.navigated());
  isNavigationWatched = true;
  global.__svRecorder = (begin) => {
    if (!isOn()) return;
    recorder = begin({
      host,
      token,
      maskAllInputs: options.maskAllInputs ?? config.maskAllInputs,
      maskAllText: options.maskAllText ?? config.maskAllText,
      session: () => ({ id: sessionAt(Date.now()).id, ...ids(), isRecorded: isRecorded() }),
      nextIndex: nextChunk,
      log,
    });
  };
  const load = () =>
    safely(() => {
      if (!isRecorded()) return;
      const element = document.createElement("script");
      element.src = trusted(host + config.recorderPath);
      element.async = true;
      document.head.append(element);
    });
  if (document.readyState === "complete") load();
  else addEventListener("load", load);
}

/** A script's URL as pages want it that take none as a text alone (Trusted Types). They have to allow the policy's name. */
function trusted(url: string): string {
  type Types = { createPolicy(name: string, rules: object): { createScriptURL(url: string): unknown } };
  const types = (window as unknown as { trustedTypes?: Types }).trustedTypes;
  try {
    return types ? (types.createPolicy("sessionvision", { createScriptURL: (given: string) => given }).createScriptURL(url) as string) : url;
  } catch {
    return url;
  }
}

// ---- What pages call ----

const api: { [Name in keyof SessionVision]: (given: unknown[], at: number) => unknown } = {
  init: ([projectToken, given]) => init(projectToken, given as SessionVisionOptions | undefined),
  capture: ([event, properties], at) => capture(event, properties, at),
  identify([userId, traits], at) {
    const id = String(userId ?? "");
    if (!id || id.length > 200) return log("ignored: a user id has 1 to 200 characters", userId);
    write("user_id", id);
    capture("$identify", traits, at, true);
  },
  reset() {
    recorder?.flush(); // what was recorded so far is the old session's
    forget();
  },
  register: ([properties]) => register(properties as Properties),
  registerOnce: ([properties]) => registerOnce(properties as Properties),
  getDistinctId: () => read("user_id") || (state === "on" ? anonymousId() : read("anonymous_id")),
  getSessionId: () => (state === "on" ? sessionAt(Date.now()).id : ""),
  flush() {
    handOver(false);
    recorder?.flush();
  },
  optOut() {
    end();
    forget();
    write("opt_out", "1");
  },
  optIn() {
    write("opt_out", "0");
    if (state === "off" && token) begin();
  },
  hasOptedOut: () => isOptedOut(),
};
const AT_ONCE = ["init", "getDistinctId", "getSessionId", "optOut", "optIn", "hasOptedOut"];

function run(name: keyof SessionVision, given: IArguments | unknown[], at: number): unknown {
  if (isOn() || AT_ONCE.includes(name)) return safely(() => api[name]([...given], at));
  if (state !== "off" && waiting.length < MOST_WAITING) waiting.push([name, given, at]);
  return undefined;
}

function safely(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    log("a fault", error);
    return undefined;
  }
}

// Not an element of the page's with that id, which is found under its name too.
const stub: Stub = (window.hasOwnProperty("sessionvision") && global.sessionvision) || (global.sessionvision = {});
const before = stub.q;
const projectToken = script?.dataset["token"];
if (before && !Array.isArray(before)) {
  // The script is in the page a second time: the first one goes on alone, or every event would be there twice.
  if (projectToken) stub.init?.(projectToken);
} else {
  for (const name of Object.keys(api) as (keyof SessionVision)[])
    stub[name] = ((...given: unknown[]) => run(name, given, Date.now())) as never;
  stub.q = { push: (call: Call) => void run(...call) };
  for (const call of (before ?? []) as Call[]) if (api[call[0]]) run(...call);
  if (projectToken) run("init", [projectToken], Date.now());
}
