// Records what a visitor sees, with rrweb, and uploads it in chunks: a place is asked for by POST /api/v1/ingest/recordings, then the chunk
// is put there. A chunk is a JSON list of rrweb's events. What is typed is hidden unless the page says otherwise; passwords always are.
//
// Only a page that is seen is recorded: hidden, it stops; seen again, it begins with a full picture. Of windows that are seen at once it is the
// one that was opened or used last: it notes so where the others see it, and they stop. So the windows of a session follow each other in one
// recording. What can't be uploaded is dropped, and after a while recording begins again with a full picture. Never the page's trouble.
import { record } from "rrweb";
import type { eventWithTime } from "@rrweb/types";
import { uuid } from "../core/identity.ts";
import type { Recorder, RecorderHost } from "../core/index.ts";
import { read, toJson, write } from "../core/store.ts";
import { chunkOf, isInteraction } from "./events.ts";
import { maskAttributes, maskInput, maskText } from "./masking.ts";

const CHUNK_MS = 5000;
const CHUNK_CHARS = 200_000;
const FULL_EVERY_MS = 5 * 60_000;
const IDLE_MS = 30 * 60_000;
const LONGEST_CHUNK = 10 * 1024 * 1024;
/** Events that wait behind an upload that doesn't come to its end. Beyond, recording waits too. */
const MOST_WAITING_CHARS = 5_000_000;
/** How long it does so at first, and at most: a full picture of a large page takes seconds. */
const REST_MS = 1000;
const LONGEST_REST_MS = FULL_EVERY_MS;
/** Kept for the next page of this tab: what was recorded in its last seconds. */
const LEFT_OVER = "sessionvision_recording";
const MOST_LEFT_OVER_CHARS = 1_000_000;
const TRIES = 4;
/** Pages that keep what is typed, or where a map stands, in their address navigate with each key: a picture for each would hold them up. */
const PICTURE_MS = 1000;
/** Under this key the page that records says who it is and since when. */
const TURN = "turn";
/** What a window may be used by that isn't recorded because another one is. */
const USES = ["focus", "pointerdown", "keydown", "wheel"];

/** json: the list of events. token: its project's. session: the one they belong to. index: its place in that, drawn while the session went on. */
interface Chunk {
  json: string;
  token: string;
  session: string;
  anonymousId: string;
  userId: string;
  index: number;
}

function start(host: RecorderHost): Recorder {
  let session = host.session();
  let stopRrweb: (() => void) | undefined;
  let events: string[] = [];
  let chars = 0;
  let activeAt = Date.now();
  let timer = 0;
  let picturedAt = 0;
  let pictureTimer = 0;
  let isOn = false;
  let isOver = false;
  let isUploading = false;
  let restMs = 0;
  let waiting: Chunk[] = [];
  const page = uuid();

  // ---- Recording ----

  function begin(): void {
    if (stopRrweb || isOver || document.visibilityState === "hidden" || isWithinRecorded()) return;
    activeAt = Date.now();
    session = host.session();
    if (!session.isRecorded) return;
    isOn = true;
    write(TURN, `${page} ${activeAt}`);
    stopRrweb = record({
      emit: (event) => safely(() => take(event as eventWithTime)),
      checkoutEveryNms: FULL_EVERY_MS,
      // All of them, and all text, whatever holds it: maskInput and maskText say which of it is shown. SCAR: rrweb's `maskAllInputs` leaves
      // out hidden inputs, into which pages copy what is typed, and files; its selectors know nothing of what is around a shadow tree.
      maskInputOptions: { input: true, textarea: true, select: true } as Record<string, boolean>,
      maskInputFn: (text, element) => maskInput(text, element, host.maskAllInputs),
      maskTextSelector: "*",
      maskTextFn: (text, element) => maskText(text, element, host.maskAllText, host.maskAllInputs),
      slimDOMOptions: "all",
      inlineStylesheet: true,
      recordCanvas: false,
      collectFonts: false,
      recordCrossOriginIframes: false,
      sampling: { mousemove: 50, scroll: 150, media: 800 },
      errorHandler: () => true,
    }) as (() => void) | undefined;
    if (!isOn) end(); // by its first picture
  }

  /** Since when another window has the turn; undefined while it is this one's. */
  function otherSince(): number | undefined {
    const [other, since] = read(TURN).split(" ");
    return other && other !== page ? Number(since) : undefined;
  }

  /** Where another window is used, this one stops. What came here since then would be drawn into the other's picture. */
  function giveWay(): void {
    const since = otherSince();
    if (since === undefined) return;
    end();
    events = events.filter((json) => (JSON.parse(json) as eventWithTime).timestamp < since);
  }

  /** Another page is seen: a picture of it, or within the second one of where it has come to by then. */
  function navigated(): void {
    if (!isOn || pictureTimer) return;
    const wait = Math.min(picturedAt + PICTURE_MS - Date.now(), PICTURE_MS);
    if (wait > 0) {
      pictureTimer = setTimeout(() => {
        pictureTimer = 0;
        safely(navigated);
      }, wait);
      return;
    }
    picturedAt = Date.now();
    record.takeFullSnapshot(true);
  }

  function end(): void {
    isOn = false; // rrweb may still finish what it was at
    stopRrweb?.();
    stopRrweb = undefined;
  }

  function take(event: eventWithTime): void {
    if (!isOn) return;
    const now = Date.now();
    if (isInteraction(event)) {
      if (now - activeAt > 1000) {
        const current = host.session();
        const isBack = now - activeAt > IDLE_MS;
        activeAt = now;
        if (current.id !== session.id) {
          // Another session: what is there belongs to the old one, and the new one begins with a picture.
          close();
          end();
          setTimeout(() => safely(begin));
          return;
        }
        if (isBack) setTimeout(() => safely(() => isOn && record.takeFullSnapshot()));
      }
    } else if (now - activeAt > IDLE_MS) return; // nobody is there
    maskAttributes(event, (id) => record.mirror.getNode(id), host.maskAllText, host.maskAllInputs);
    const json = toJson(event);
    events.push(json);
    chars += json.length + 1;
    if (chars >= CHUNK_CHARS) close();
    else timer ||= setTimeout(() => safely(close), CHUNK_MS);
  }

  // ---- Uploading ----

  /** The events so far become a chunk. */
  function close(): void {
    clearTimeout(timer);
    timer = 0;
    giveWay(); // the browser may not have told yet
    if (!events.length) return;
    const { id, anonymousId, userId } = session;
    const json = chunkOf(events);
    events = [];
    chars = 0;
    // By another session's count it would take the place of an earlier chunk.
    const index = host.nextIndex(id);
    if (index === undefined) return;
    const chunk: Chunk = { json, token: host.token, session: id, anonymousId, userId, index };
    if (chunk.json.length * 3 > LONGEST_CHUNK && new Blob([chunk.json]).size > LONGEST_CHUNK) return lost(LONGEST_REST_MS);
    waiting.push(chunk);
    void upload();
    if (waiting.slice(1).reduce((sum, { json }) => sum + json.length, 0) > MOST_WAITING_CHARS) lost();
  }

  /** What waits is dropped, and what follows needs a full picture. SCAR: taken at once it was dropped at once, of a page that is too large for a chunk. */
  function lost(atLeastMs = REST_MS): void {
    host.log("recording: chunks were dropped");
    waiting = waiting.slice(0, isUploading ? 1 : 0);
    end();
    events = [];
    chars = 0;
    restMs = Math.min(Math.max(2 * restMs, atLeastMs), LONGEST_REST_MS);
    setTimeout(() => safely(goOn), restMs);
  }

  function goOn(): void {
    if (otherSince() === undefined) begin();
  }

  async function upload(): Promise<void> {
    if (isUploading) return;
    isUploading = true;
    for (let chunk = waiting[0]; chunk && !isOver; chunk = waiting[0]) {
      const status = await put(chunk);
      waiting.shift();
      host.log("recording: a chunk", chunk.json.length, status);
      if (status === 413 || status === 401) {
        isOver = true; // the session is full, or the token isn't one: nothing more will be taken
        end();
      } else if (status === 200) restMs = 0;
      else {
        waiting = []; // none is on its way
        lost();
      }
    }
    isUploading = false;
  }

  /** The status of the last answer; 0 for none. Network and server get three more tries, after 1, 2 and 4 seconds. */
  async function put(chunk: Chunk): Promise<number> {
    const blob = new Blob([chunk.json]);
    const asked = JSON.stringify({
      projectToken: host.token,
      sessionId: chunk.session,
      anonymousId: chunk.anonymousId,
      ...(chunk.userId && { userId: chunk.userId }),
      chunkIndex: chunk.index,
      sizeBytes: blob.size,
    });
    for (let tries = 1; ; tries++) {
      let status = 0;
      try {
        const place = await fetch(host.host + "/api/v1/ingest/recordings", {
          method: "POST",
          body: asked,
          credentials: "omit",
          headers: { "Content-Type": "text/plain" },
        });
        status = place.status;
        if (place.ok) {
          const { uploadUrl, method, headers } = (await place.json()) as {
            uploadUrl: string;
            method: string;
            headers: Record<string, string>;
          };
          status = (await fetch(uploadUrl, { method, headers, body: blob, credentials: "omit" })).status;
        }
      } catch {
        status = 0;
      }
      if ((status && status < 500) || tries === TRIES) return status;
      await new Promise((done) => setTimeout(done, 1000 * 2 ** (tries - 1)));
    }
  }

  // ---- The page's life ----

  /** The page goes: what isn't uploaded waits for the tab's next one. */
  function leave(): void {
    end();
    close();
    const left = waiting.slice(-20);
    if (left.length && left.reduce((sum, { json }) => sum + json.length, 0) < MOST_LEFT_OVER_CHARS)
      sessionStorage.setItem(LEFT_OVER, toJson(left));
  }

  function takeUp(): void {
    const left = sessionStorage.getItem(LEFT_OVER);
    sessionStorage.removeItem(LEFT_OVER);
    if (left) waiting.unshift(...(JSON.parse(left) as Chunk[]).filter(({ token }) => token === host.token));
    void upload();
  }

  function used(): void {
    safely(() => stopRrweb || (otherSince() !== undefined && begin()));
  }

  /** Hear of it when a window is used, or a frame in it that can be looked into: of what is done there the window hears nothing. */
  function watchUses(within: Window): void {
    safely(() => {
      for (const use of USES) within.addEventListener(use, used, { capture: true, passive: true });
      within.document.addEventListener("load", loaded, true);
      for (let place = 0; place < within.length; place++) watchUses(within[place]!);
    });
  }

  function loaded({ target }: Event): void {
    const frame = (target as Partial<HTMLIFrameElement> | null)?.contentWindow;
    if (frame) watchUses(frame);
  }

  safely(takeUp);
  document.addEventListener("visibilitychange", () =>
    safely(() => {
      if (document.visibilityState === "hidden") {
        end();
        close();
      } else begin();
    }),
  );
  // The chunk is closed when its time comes, not now: in this moment the other window may take the same index.
  addEventListener("storage", () => safely(giveWay));
  watchUses(window);
  addEventListener("online", () => safely(goOn));
  addEventListener("pagehide", () => safely(leave));
  addEventListener("pageshow", (event) => event.persisted && safely(begin));
  safely(begin);
  return {
    flush: () => safely(close),
    navigated: () => safely(navigated),
    stop() {
      isOver = true;
      end();
      events = [];
      waiting = [];
    },
  };
}

/** Whether this is a frame of a page of the same site that is recorded, frames and all, by its own client. */
function isWithinRecorded(): boolean {
  try {
    for (let frame: Window = window; frame !== frame.parent; frame = frame.parent) if (frame.parent.hasOwnProperty("sessionvision")) return true;
  } catch {
    // of another site, whose client can't see in here
  }
  return false;
}

function safely(call: () => unknown): void {
  try {
    call();
  } catch {
    // recording is never worth an error on the page
  }
}

(window as unknown as { __svRecorder?: (begin: typeof start) => void }).__svRecorder?.(start);
