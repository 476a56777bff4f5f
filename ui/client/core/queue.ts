// From captured events to the server: in batches, tried again where the network or the server fails, and kept for the next page where
// neither recovers in time. An event has an id, so that one that is sent twice is stored once.
import { isObject, readJson, toJson, write } from "./store.ts";
import { uuid } from "./identity.ts";

const BATCH = 10;
const BATCH_MS = 5000;
/** Events in one request, where many have come together while nothing could be sent. */
const MOST_IN_BATCH = 50;
const TRIES = 4;
/** After the last try; a browser that comes back online, or the next page, tries at once. */
const STALLED_MS = 60_000;
/** How long an answer may take. A proxy that takes a request and says nothing would hold up all that comes after it. */
const SILENT_MS = 60_000;
/** Events that wait, in memory. Beyond, the oldest go. */
const MOST = 1000;
/** Of events that are kept for the next page. */
const MOST_KEPT_CHARS = 200_000;
/** Of one request, unless one event has more: what is beyond the server's 10 MiB costs all that is in it. */
const MOST_BATCH_CHARS = 1_000_000;
/** Browsers let pages that go away leave 64 KiB behind, in all requests together. */
const MOST_LEFT_BEHIND = 60_000;

/** events: each as JSON. hasFailed: at least once. endsWithPage: the browser gives up sending it where the page goes. */
interface Batch {
  events: string[];
  hasFailed: boolean;
  endsWithPage: boolean;
}

const page = uuid();
let name = "";
const flying = new Set<Batch>();
let queue: string[] = [];
let leftBehind = 0;
let isStalled = false;
let isKept = false;
let timer = 0;
let endpoint = "";
let token = "";
let log: (...words: unknown[]) => void = () => {};

/** Where to, and for which project. Takes over what earlier pages could not send. */
export function openQueue(host: string, projectToken: string, say: typeof log): void {
  endpoint = host + "/api/v1/ingest/events";
  token = projectToken;
  log = say;
  // Pages of one site may be of several projects.
  const mine = ` ${endpoint} ${token}`;
  name = page + mine;
  const kept = readJson<Record<string, unknown>>("queue") ?? {};
  for (const other of Object.keys(kept)) {
    if (!other.endsWith(mine) && other.includes(" ")) continue;
    queue.push(...[kept[other]].flat().filter(isEvent));
    delete kept[other];
  }
  if (queue.length) {
    put(kept);
    arm(0);
  }
  addEventListener("online", () => {
    isStalled = false;
    flush();
  });
  addEventListener("offline", () => keep());
}

export function enqueue(event: string): void {
  queue.push(event);
  if (queue.length > MOST) queue.shift();
  if (isInTrouble()) keep();
  if (queue.length >= BATCH) flush();
  else arm(BATCH_MS);
}

function isEvent(kept: unknown): kept is string {
  try {
    return typeof kept === "string" && isObject(JSON.parse(kept));
  } catch {
    return false;
  }
}

/** Take back what was captured and not sent yet. */
export function withdraw(isMeant: (event: string) => boolean): void {
  queue = queue.filter((event) => !isMeant(event));
  if (isKept) keep();
}

/** Forget all that has not reached the server, also what is being tried again. What is on its way can't be called back. */
export function giveUp(): void {
  queue = [];
  flying.clear();
  isStalled = isKept = false;
  write("queue", "");
}

/** Send what waits, a batch at a time. */
export function flush(): void {
  clearTimeout(timer);
  timer = 0;
  if (queue.length && !flying.size && !isStalled && navigator.onLine) void send(take(MOST_IN_BATCH));
}

/** Send all that waits, at once: the page may be gone the next moment. isLast: it is going. */
export function handOver(isLast: boolean): void {
  if (navigator.onLine && !isStalled) while (queue.length) void send(take(BATCH), isLast);
  if (isLast) keep(true);
}

/** The first that wait, up to so many. */
function take(most: number): string[] {
  let chars = 0;
  const end = queue.findIndex((event, index) => index === most || ((chars += event.length) > MOST_BATCH_CHARS && index > 0));
  return queue.splice(0, end < 0 ? queue.length : end);
}

function arm(delay: number): void {
  timer ||= setTimeout(flush, delay);
}

function isInTrouble(): boolean {
  return isKept || isStalled || !navigator.onLine;
}

async function send(events: string[], isLast = false): Promise<void> {
  const batch: Batch = { events, hasFailed: false, endsWithPage: false };
  flying.add(batch);
  const body = `{"projectToken":${JSON.stringify(token)},"events":[${events.join(",")}]}`;
  for (let tries = 1; ; tries++) {
    const status = await post(body, isLast, batch);
    if (!flying.has(batch)) return; // given up
    if (status && status < 500) {
      log(status < 400 ? "sent" : "refused", status, events.length);
      flying.delete(batch);
      isStalled = false;
      if (isKept) keep();
      break;
    }
    batch.hasFailed = true;
    keep();
    log("not sent", status || "no answer", tries);
    if (tries === TRIES || !navigator.onLine) {
      flying.delete(batch);
      queue = [...events, ...queue].slice(-MOST);
      isStalled = navigator.onLine;
      keep();
      if (isStalled)
        setTimeout(() => {
          isStalled = false;
          flush();
        }, STALLED_MS);
      return;
    }
    await new Promise((done) => setTimeout(done, 1000 * 2 ** (tries - 1)));
    if (!flying.has(batch)) return;
  }
  if (queue.length >= BATCH) flush();
  else if (queue.length) arm(BATCH_MS);
}

/** The answer's status, 0 for none. As text, so that no browser asks the server first whether it may. */
async function post(body: string, isLast: boolean, batch: Batch): Promise<number> {
  const size = new Blob([body]).size;
  // What failed once may have failed because of that limit, which the page's own requests count towards too. It is kept anyway.
  const fits = leftBehind + size <= MOST_LEFT_BEHIND && !batch.hasFailed;
  const keepalive = fits && "keepalive" in Request.prototype;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), SILENT_MS);
  try {
    if (isLast && !keepalive) {
      batch.hasFailed = !navigator.sendBeacon(endpoint, body);
      return batch.hasFailed ? 0 : 202;
    }
    if (keepalive) leftBehind += size;
    batch.endsWithPage = !keepalive;
    const headers = { "Content-Type": "text/plain" };
    const answer = await fetch(endpoint, { method: "POST", body, keepalive, credentials: "omit", headers, signal: patience.signal });
    // Until it is read, the request counts towards what may be left behind.
    if (keepalive) await answer.text().catch(() => {});
    return answer.status;
  } catch {
    return 0;
  } finally {
    clearTimeout(timer);
    if (keepalive) leftBehind -= size;
  }
}

/** Keep for the next page what has not reached the server: what waits, and what failed before. Each page keeps its own. */
function keep(isLast = false): void {
  let mine = [...flying].flatMap((batch) => (batch.hasFailed || (isLast && batch.endsWithPage) ? batch.events : [])).concat(queue);
  let room = MOST_KEPT_CHARS;
  mine = mine.reverse().filter((event) => (room -= event.length) > 0).reverse();
  isKept = mine.length > 0;
  const kept = readJson<Record<string, unknown>>("queue") ?? {};
  delete kept[name];
  if (isKept) kept[name] = mine;
  put(kept);
}

function put(kept: Record<string, unknown>): void {
  write("queue", Object.keys(kept).length ? toJson(kept) : "");
}
