// The recording of a session: loaded, then played in its frame. Where it stands is told to whoever shows the session's events beside it.
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { SvEvent } from "../../api/types.ts";
import { formatPercent } from "../../model/format.ts";
import { eventLabel } from "../../model/names.ts";
import { useAsk } from "../../state/ask.ts";
import { BASE } from "../../state/base.ts";
import { remember, remembered } from "../../state/memory.ts";
import { loadPart } from "../../state/parts.ts";
import { setParameters } from "../../state/router.ts";
import { parameter } from "../../state/scope.ts";
import { replay as text } from "../../text/sessions.ts";
import { Button, Segmented } from "../../ui/button.tsx";
import { copy } from "../../ui/copy.tsx";
import { Answer, Empty } from "../../ui/states.tsx";
import { clock, readMoment } from "./names.ts";
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
  events: readonly SvEvent[];
  onMoment: (moment: Moment) => void;
  onNone: () => void;
}

const TICK_MS = 200;
const FRAME = `${BASE}/replay-frame`;
const SPEEDS = ["1", "2", "4", "8"] as const;
type Speed = (typeof SPEEDS)[number];

export function Player({ projectId, sessionId, isExpected, events, onMoment, onNone }: Props): JSX.Element {
  const [share, setShare] = useState(0);
  const asked = useAsk<{ recording: Recording | null }>(isExpected ? `${projectId} ${sessionId}` : null, async (signal) => {
    const { loadRecording } = await loadPart(() => import("./recording.ts"));
    const recording = await loadRecording(projectId, sessionId, signal, setShare);
    if (!recording) onNone();
    return { recording };
  });
  return (
    <section class="card player" aria-labelledby="recording">
      <h2 id="recording">{text.title}</h2>
      {!isExpected && <Empty title={text.none}><p>{text.noneText}</p></Empty>}
      {isExpected && (
        <Answer asked={asked} skeleton={<p class="muted player-loading" role="status">{share > 0 ? text.progress(formatPercent(share)) : text.loading}</p>}>
          {({ recording }) => (recording ? <Screen recording={recording} events={events} onMoment={onMoment} /> : <Empty title={text.empty}><p>{text.emptyText}</p></Empty>)}
        </Answer>
      )}
    </section>
  );
}

function Screen({ recording, events, onMoment }: { recording: Recording; events: readonly SvEvent[]; onMoment: (moment: Moment) => void }): JSX.Element {
  const wholeMs = recording.endMs - recording.startMs;
  const frame = useRef<HTMLIFrameElement>(null);
  const stage = useRef<Stage | null>(null);
  const [atMs, setAt] = useState(() => Math.min(readMoment(parameter("t")) ?? 0, wholeMs));
  const firstMs = useRef(atMs); // where to begin, which may be moved before the stage is there
  const [isPlaying, setPlaying] = useState(false);
  const [isSkipped, setSkipped] = useState(false);
  const [isBroken, setBroken] = useState(false);
  const [speed, setSpeed] = useState<Speed>(() => SPEEDS.find((each) => each === remembered("replay.speed")) ?? "1");
  const [isSkipping, setSkipping] = useState(() => remembered("replay.skip") !== "0");

  const playFrom = (place: number): void => {
    stage.current?.play(place);
    setAt(place);
    setPlaying(true);
  };
  const pause = (): void => {
    stage.current?.pause();
    setPlaying(false);
  };
  const goTo = (place: number): void => {
    const bounded = Math.min(Math.max(place, 0), wholeMs);
    firstMs.current = bounded;
    setAt(bounded);
    if (isPlaying) stage.current?.play(bounded);
    else stage.current?.pause(bounded);
    setParameters({ t: String(Math.round(bounded / 100) / 10) }, { replace: true });
  };
  const passed = (place: number): number => (isSkipping ? afterQuiet(recording.events, place) : place);
  const toggle = (): void => (isPlaying ? pause() : playFrom(passed(atMs >= wholeMs ? 0 : atMs)));
  const start = async (): Promise<void> => {
    const element = frame.current;
    if (!element || stage.current) return;
    try {
      const { openStage } = await loadPart(() => import("./stage.ts"));
      if (!element.isConnected || stage.current) return;
      stage.current = openStage(element, recording.events, {
        speed: Number(speed),
        isSkipping,
        onFinish: () => {
          setPlaying(false);
          setSkipped(false);
          setAt(wholeMs);
        },
        onSkip: setSkipped,
      });
    } catch {
      setBroken(true);
      return;
    }
    const first = firstMs.current;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) stage.current.pause(first);
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
    if (!isPlaying) return undefined;
    const timer = setInterval(() => setAt(Math.min(stage.current?.now() ?? 0, wholeMs)), TICK_MS);
    return () => clearInterval(timer);
  }, [isPlaying]);
  useEffect(() => onMoment({ startMs: recording.startMs, wholeMs, atMs, goTo }), [atMs, isPlaying]);

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
