// rrweb's player in its frame: a page of the server's own that allows no script and no request (sv/web/replay_door.py), and in it the frame that
// rrweb makes, sandboxed likewise. The app reaches in from outside; nothing in there reaches out.
import type { eventWithTime } from "@rrweb/types";
import { Replayer } from "rrweb";
import styles from "rrweb/dist/style.css?inline";
import { BASE } from "../../state/base.ts";
import { adaptCss, foresee, hasten, type Hastened } from "./haste.ts";
import { isDoing } from "./quiet.ts";

export const FRAME = `${BASE}/replay-frame`;

const QUIET = { log: () => undefined, warn: () => undefined };

/** Steps of a recording as somebody sent it: one that can't be shown is passed over. */
const GUARDED = ["applyIncremental", "rebuildFullSnapshot", "moveAndHover", "applyStyleSheetMutation", "applyAdoptedStyleSheet"] as const;

/** What of rrweb's player is its own affair. */
interface Within extends Hastened, Record<(typeof GUARDED)[number], (...given: unknown[]) => void> {
  cache: { stylesWithHoverClass: { get: (css: string) => string } };
}

export interface Stage {
  play: (atMs: number) => void;
  pause: (atMs?: number) => void;
  /** Milliseconds since the first event. */
  now: () => number;
  /** Events that come after all that are there. */
  add: (events: readonly eventWithTime[]) => void;
  setSpeed: (speed: number) => void;
  setSkipping: (isSkipping: boolean) => void;
  fit: () => void;
  leave: () => void;
}

/** frame: with its page loaded. onFinish: the end is reached. onSkip: whether a quiet stretch is being run through. */
export function openStage(frame: HTMLIFrameElement, events: readonly eventWithTime[], given: {
  speed: number;
  isSkipping: boolean;
  onFinish: () => void;
  onSkip: (isSkipping: boolean) => void;
}): Stage {
  const page = frame.contentDocument;
  if (!page?.body || page.location.pathname !== FRAME) throw new Error("the frame for recordings did not load");
  const look = page.createElement("style");
  look.textContent = styles;
  page.head.append(look);
  const replayer = new Replayer(events as eventWithTime[], {
    root: page.body,
    speed: given.speed,
    skipInactive: given.isSkipping,
    mouseTail: { duration: 500, lineCap: "round", lineWidth: 2, strokeStyle: "#4450c9" },
    triggerFocus: false,
    showWarning: false,
    UNSAFE_replayCanvas: false,
    loadTimeout: 0,
    insertStyleRules: ["img:not([src]) { background: #8882; }"],
    logger: QUIET,
  });
  const within = replayer as unknown as Within;
  guard(within);
  hasten(within.timer);
  const doings = events.filter(isDoing);
  foresee(within, doings);
  within.cache.stylesWithHoverClass.get = adaptCss;
  let size = { width: 0, height: 0 };
  const fit = (): void => {
    const { clientWidth, clientHeight } = frame;
    if (size.width === 0 || clientWidth === 0) return;
    const scale = Math.min(clientWidth / size.width, clientHeight / size.height);
    const { style } = replayer.wrapper;
    style.position = "absolute";
    style.transformOrigin = "0 0";
    style.transform = `scale(${scale})`;
    style.left = `${(clientWidth - size.width * scale) / 2}px`;
    style.top = `${(clientHeight - size.height * scale) / 2}px`;
  };
  replayer.on("resize", (dimension) => {
    size = dimension as typeof size;
    fit();
  });
  replayer.on("finish", given.onFinish);
  replayer.on("skip-start", () => given.onSkip(true));
  replayer.on("skip-end", () => given.onSkip(false));
  return {
    play: (atMs) => replayer.play(atMs),
    // A moment later: what happens at this one is seen.
    pause: (atMs) => replayer.pause(atMs === undefined ? undefined : atMs + 1),
    now: () => replayer.getCurrentTime(),
    add: (more) => {
      for (const event of more) {
        if (isDoing(event)) doings.push(event);
        replayer.addEvent(event);
      }
    },
    setSpeed: (speed) => replayer.setConfig({ speed }),
    setSkipping: (isSkipping) => replayer.setConfig({ skipInactive: isSkipping }),
    fit,
    leave: () => replayer.destroy(),
  };
}

function guard(replayer: Within): void {
  for (const name of GUARDED) {
    const original = replayer[name].bind(replayer);
    replayer[name] = (...given) => {
      try {
        original(...given);
      } catch {
        // what follows may still be shown
      }
    };
  }
}
