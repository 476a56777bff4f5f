// The recording of a session: loaded, then played in its frame. Where it stands is told to whoever shows the session's events beside it.
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { serverNowMs } from "../../api/client.ts";
import type { SvEvent } from "../../api/types.ts";
import { formatPercent } from "../../model/format.ts";
import { eventLabel } from "../../model/names.ts";
import { isOfNow, useAsk } from "../../state/ask.ts";
import { BASE } from "../../state/base.ts";
import { useLooks } from "../../state/looks.ts";
import { remember, remembered } from "../../state/memory.ts";
import { loadPart } from "../../state/parts.ts";
import { setParameters } from "../../state/router.ts";
import { parameter } from "../../state/scope.ts";
import { replay as text } from "../../text/sessions.ts";
import { Button, Segmented } from "../../ui/button.tsx";
import { copy } from "../../ui/copy.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { clock, goesOn, readMoment } from "./names.ts";
import { afterQuiet } from "./quiet.ts";
import type { Recording } from "./recording.ts";
import type { Stage } from "./stage.ts";

/** Where the recording stands. startMs: Unix milliseconds of its first event. */
export interface Moment {
  startMs: number;
  wholeMs: number;
  atMs: number;
  goTo: (atMs: number) => void;
}

interface Props {
  projectId: string;
  sessionId: string;
  /** Whether the session says that it has one. */
  isExpected: boolean;
  /** Unix milliseconds of the session's last event. */
  lastMs: number;
  events: readonly SvEvent[];
  onMoment: (moment: Moment) => void;
  onNone: () => void;
}

const TICK_MS = 200;
const FRAME = `${BASE}/replay-frame`;
const SPEEDS = ["1", "2", "4", "8"] as const;
type Speed = (typeof SPEEDS)[number];

export function Player({ projectId, sessionId, isExpected, lastMs, events, onMoment, onNone }: Props): JSX.Element {
  const [share, setShare] = useState(0);
  const asked = useAsk<{ recording: Recording | null }>(isExpected ? `${projectId} ${sessionId}` : null, async (signal) => {
    const { loadRecording } = await loadPart(() => import("./recording.ts"));
    const recording = await loadRecording(projectId, sessionId, signal, setShare);
    if (!recording) onNone();
    return { recording };
  });
  const loaded = asked.data?.recording ?? null;
  const [more, setMore] = useState<{ since: Recording; recording: Recording } | null>(null);
  const shown = more && more.since === loaded ? more.recording : loaded;
  useLooks(loaded && isOfNow(asked) ? `${projectId} ${sessionId}` : null, async (signal) => {
    if (!loaded || !shown || !goesOn(Math.max(lastMs, shown.endMs), serverNowMs())) return;
    const { grown } = await loadPart(() => import("./recording.ts"));
    setMore({ since: loaded, recording: await grown(shown, projectId, sessionId, signal) });
  });
  return (
    <section class="card player" aria-labelledby="recording">
      <h2 id="recording">{text.title}</h2>
      {!isExpected && <Empty title={text.none}><p>{text.noneText}</p></Empty>}
      {isExpected && (
        <Answer asked={asked} skeleton={<p class="muted player-loading" role="status">{share > 0 ? text.progress(formatPercent(share)) : text.loading}</p>}>
          {({ recording }) => (recording ? <Screen recording={shown ?? recording} events={events} onMoment={onMoment} /> : <Empty title={text.empty}><p>{text.emptyText}</p></Empty>)}
        </Answer>
      )}
    </section>
  );
}

function Screen({ recording, events, onMoment }: { recording: Recording; events: readonly SvEvent[]; onMoment: (moment: Moment) => void }): JSX.Element {
  const wholeMs = recording.endMs - recording.startMs;
  const frame = useRef<HTMLIFrameElement>(null);
  const stage = useRef<Stage | null>(null);
  const [atMs, setShownAt] = useState(() => Math.min(readMoment(parameter("t")) ?? 0, wholeMs));
  const place = useRef(atMs); // the same at once, also while the stage isn't there yet
  const setAt = (ms: number): void => {
    place.current = ms;
    setShownAt(ms);
  };
  const played = useRef(recording.events);
  const isAtEnd = useRef(false); // by playing until there
  const [isPlaying, setPlaying] = useState(false);
  const [isSkipped, setSkipped] = useState(false);
  const [isBroken, setBroken] = useState(false);
  const [speed, setSpeed] = useState<Speed>(() => SPEEDS.find((each) => each === remembered("replay.speed")) ?? "1");
  const [isSkipping, setSkipping] = useState(() => remembered("replay.skip") !== "0");

  const latest = useRef({ wholeMs, speed, isSkipping, isPlaying });
  latest.current = { wholeMs, speed, isSkipping, isPlaying };

  const playFrom = (ms: number): void => {
    isAtEnd.current = false;
    stage.current?.play(ms);
    setAt(ms);
    setPlaying(true);
  };
  const pause = (): void => {
    stage.current?.pause();
    setPlaying(false);
  };
  const goTo = (ms: number): void => {
    const bounded = Math.min(Math.max(ms, 0), wholeMs);
    isAtEnd.current = false;
    setAt(bounded);
    if (isPlaying) stage.current?.play(bounded);
    else stage.current?.pause(bounded);
    setParameters({ t: String(Math.round(bounded / 100) / 10) }, { replace: true });
  };
  const passed = (ms: number): number => (latest.current.isSkipping ? afterQuiet(played.current, ms) : ms);
  const toggle = (): void => (isPlaying ? pause() : playFrom(passed(atMs >= wholeMs ? 0 : atMs)));
  const open = async (): Promise<Stage | null> => {
    const element = frame.current;
    try {
      const { openStage } = await loadPart(() => import("./stage.ts"));
      if (!element?.isConnected || stage.current) return null;
      stage.current = openStage(element, played.current, {
        speed: Number(latest.current.speed),
        isSkipping: latest.current.isSkipping,
        onFinish: () => {
          if (!latest.current.isPlaying) return; // the end was shown, a moment ago maybe
          isAtEnd.current = true;
          setPlaying(false);
          setSkipped(false);
          setAt(latest.current.wholeMs);
        },
        onSkip: setSkipped,
      });
      return stage.current;
    } catch {
      setBroken(true);
      return null;
    }
  };
  const start = async (): Promise<void> => {
    const opened = await open();
    if (!opened) return;
    const first = place.current;
    if (latest.current.isPlaying) opened.play(first); // Play was pressed before there was anything to play it
    else if (matchMedia("(prefers-reduced-motion: reduce)").matches) opened.pause(first);
    else playFrom(parameter("t") === null ? passed(first) : first); // a moment that was linked to is shown, however quiet
  };
  useEffect(() => {
    const element = frame.current;
    const observer = new ResizeObserver(() => stage.current?.fit());
    if (element) observer.observe(element);
    return () => {
      observer.disconnect();
      stage.current?.leave();
    };
  }, []);
  useEffect(() => {
    const before = played.current;
    played.current = recording.events;
    if (!stage.current || before === recording.events) return;
    if (recording.events[before.length - 1] === before.at(-1)) {
      stage.current.add(recording.events.slice(before.length));
      if (isAtEnd.current) void Promise.resolve().then(() => playFrom(passed(place.current))); // who has seen all of it sees what comes
      return;
    }
    // What came late lies in between: the player takes no such events.
    stage.current.leave();
    stage.current = null;
    void open().then((opened) => (latest.current.isPlaying ? opened?.play(place.current) : opened?.pause(place.current)));
  }, [recording]);
  useEffect(() => {
    if (!isPlaying) return undefined;
    const timer = setInterval(() => stage.current && setAt(Math.min(stage.current.now(), wholeMs)), TICK_MS);
    return () => clearInterval(timer);
  }, [isPlaying, wholeMs]);
  useEffect(() => onMoment({ startMs: recording.startMs, wholeMs, atMs, goTo }), [atMs, isPlaying, wholeMs]);

  if (isBroken) return <p class="problem" role="alert">{text.broken}</p>;
  return (
    <>
      {recording.isCut && <p class="muted">{text.cut}</p>}
      <div class="stage">
        <iframe ref={frame} src={FRAME} sandbox="allow-same-origin" title={text.frame} tabIndex={-1} onLoad={() => void start()} />
        {isSkipped && <p class="skipping" role="status">{text.skipping}</p>}
      </div>
      <Bar recording={recording} events={events} atMs={atMs} wholeMs={wholeMs} onChange={goTo} />
      <div class="row controls">
        <Button kind="primary" icon={isPlaying ? "pause" : "play"} onClick={toggle}>{isPlaying ? text.pause : atMs >= wholeMs ? text.again : text.play}</Button>
        <span class="small">{text.placeText(clock(atMs), clock(wholeMs))}</span>
        <Segmented
          label={text.speed} value={speed} options={SPEEDS.map((value) => ({ value, label: `${value}×` }))}
          onChange={(chosen) => {
            setSpeed(chosen);
            remember("replay.speed", chosen);
            stage.current?.setSpeed(Number(chosen));
          }}
        />
        <label class="check">
          <input
            type="checkbox" checked={isSkipping}
            onChange={(event) => {
              setSkipping(event.currentTarget.checked);
              remember("replay.skip", event.currentTarget.checked ? "1" : "0");
              stage.current?.setSkipping(event.currentTarget.checked);
              if (isPlaying && event.currentTarget.checked) playFrom(afterQuiet(recording.events, atMs));
            }}
          />
          {text.skip}
        </label>
        <Button icon="copy" onClick={() => void copy(linkTo(atMs))}>{text.copyLink}</Button>
      </div>
      <p class="muted small">{text.private}</p>
    </>
  );
}

function linkTo(atMs: number): string {
  const url = new URL(location.href);
  url.searchParams.set("t", String(Math.floor(atMs / 1000)));
  return url.href;
}

/** Where it stands, to be moved; with a mark for each of the session's events. */
function Bar({ recording, events, atMs, wholeMs, onChange }: {
  recording: Recording;
  events: readonly SvEvent[];
  atMs: number;
  wholeMs: number;
  onChange: (atMs: number) => void;
}): JSX.Element {
  const share = (ms: number): number => (wholeMs > 0 ? Math.min(Math.max(ms / wholeMs, 0), 1) : 0);
  const marks = useMemo(() => events
    .map((event) => ({ event, at: Date.parse(event.timestamp) - recording.startMs }))
    .filter(({ at }) => at >= 0 && at <= wholeMs)
    .map(({ event, at }) => <span key={event.id} title={eventLabel(event.event)} style={{ left: `${share(at) * 100}%` }} />), [events, recording]);
  return (
    <div class="seek">
      <div class="marks" aria-hidden="true">{marks}</div>
      <input
        type="range" min={0} max={wholeMs} step={1} value={atMs} aria-label={text.place} aria-valuetext={text.placeText(clock(atMs), clock(wholeMs))}
        onInput={(event) => onChange(Number(event.currentTarget.value))}
        onKeyDown={(event) => {
          const step = { ArrowRight: 5000, ArrowUp: 5000, ArrowLeft: -5000, ArrowDown: -5000 }[event.key];
          if (step === undefined) return;
          event.preventDefault();
          onChange(atMs + step);
        }}
      />
    </div>
  );
}
