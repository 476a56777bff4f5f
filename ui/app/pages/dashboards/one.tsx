// One dashboard: its tiles, and for those who may what changes it. While it is arranged each change is kept at once.
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiFault, get, patch, projectPath, remove, serverNowMs } from "../../api/client.ts";
import type { Dashboard, Tile } from "../../api/dashboards.ts";
import type { ProjectRole } from "../../api/types.ts";
import { changed } from "../../model/changes.ts";
import { formatClock } from "../../model/format.ts";
import { dated } from "../../model/saved.ts";
import { inOrder, moved, nearestWidth, tilesBody } from "../../model/tiles.ts";
import { useAsk, useNewLogin } from "../../state/ask.ts";
import { today } from "../../state/day.ts";
import { go, hrefOf } from "../../state/router.ts";
import { changeRange, readDates } from "../../state/scope.ts";
import { mayWrite } from "../../state/session.ts";
import { useDetailTitle } from "../../state/title.ts";
import { dashboards as text } from "../../text/dashboards.ts";
import { Button } from "../../ui/button.tsx";
import { DateRange } from "../../ui/date-range.tsx";
import { Confirm, Problem } from "../../ui/form.tsx";
import { Answer, Empty, Skeleton } from "../../ui/states.tsx";
import { toast } from "../../ui/toasts.tsx";
import { Adding } from "./adding.tsx";
import { Naming } from "./naming.tsx";
import { TileBody, TileHead, titleOf } from "./tile.tsx";
import { Tools } from "./tools.tsx";
import "../insights.css";
import "../funnels/funnels.css";

export function One({ project, id }: { project: ProjectRole; id: string }): JSX.Element {
  const path = projectPath(project.id, "dashboards", id);
  const asked = useAsk(path, (signal) => get<Dashboard>(path, {}, signal));
  if (asked.fault?.status === 404) {
    return <Empty title={text.unknown}><p>{text.unknownText}</p><a class="button" href={hrefOf("/dashboards")}>{text.back}</a></Empty>;
  }
  return (
    <Answer asked={asked} skeleton={<Skeleton height="30rem" />}>
      {(found) => <Board project={project} path={path} dashboard={found} onChanged={asked.again} />}
    </Answer>
  );
}

type Open = "add" | "name" | "remove" | null;

function Board({ project, path, dashboard, onChanged }: { project: ProjectRole; path: string; dashboard: Dashboard; onChanged: () => void }): JSX.Element {
  useDetailTitle(dashboard.name);
  const [isArranged, setArranged] = useState(false);
  const [open, setOpen] = useState<Open>(null);
  const [turn, setTurn] = useState(0);
  const dates = readDates();
  const asOf = useMemo(() => new Date(serverNowMs()).toISOString(), [turn, today.value, JSON.stringify(dates)]);
  const close = (): void => setOpen(null);
  const isEmpty = dashboard.tiles.length === 0;
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{dashboard.name}</h1>
        {!isEmpty && (
          <>
            <DateRange range={dates} onChange={changeRange} unset={{ label: text.ownDates, onUnset: () => changeRange(null) }} />
            <span class="muted small">{text.asOf(formatClock(asOf, project.timezone))}</span>
            <Button icon="refresh" onClick={() => { setTurn(turn + 1); onChanged(); }}>{text.refresh}</Button>
          </>
        )}
        {mayWrite.value && (
          <>
            <Button icon="plus" onClick={() => setOpen("add")}>{text.add}</Button>
            {!isEmpty && <Button icon="board" onClick={() => setArranged(!isArranged)}>{isArranged ? text.done : text.arrange}</Button>}
            <Button icon="edit" onClick={() => setOpen("name")}>{text.edit}</Button>
            <Button icon="trash" kind="danger" onClick={() => setOpen("remove")}>{text.remove}</Button>
          </>
        )}
      </header>
      {dashboard.description && <p class="muted board-description">{dashboard.description}</p>}
      {isEmpty ? <div class="card"><Empty title={text.empty}><p>{text.emptyText}</p></Empty></div> : (
        <Tiles project={project} path={path} kept={dashboard.tiles} asOf={asOf} isArranged={isArranged} onChanged={onChanged} />
      )}
      {open === "add" && <Adding projectId={project.id} dashboardId={dashboard.id} onAdded={onChanged} onClose={close} />}
      {open === "name" && (
        <Naming
          title={text.editTitle} act={text.save} name={dashboard.name} description={dashboard.description} onClose={close}
          onSave={(naming) => patch(path, changed(naming, dashboard)).then(onChanged)}
        />
      )}
      {open === "remove" && (
        <Confirm
          title={text.removeTitle(dashboard.name)} act={text.remove} onClose={close}
          onDo={async () => {
            await remove(path);
            toast(text.removed(dashboard.name));
            go(hrefOf("/dashboards"));
          }}
        >
          <p>{text.removeText}</p>
        </Confirm>
      )}
    </div>
  );
}

function Tiles({ project, path, kept, asOf, isArranged, onChanged }: {
  project: ProjectRole;
  path: string;
  kept: readonly Tile[];
  asOf: string;
  isArranged: boolean;
  onChanged: () => void;
}): JSX.Element {
  const { tiles, fault, keep } = useKept(path, kept, onChanged);
  const [dragged, setDragged] = useState<number | null>(null);
  const [target, setTarget] = useState<number | null>(null);
  const list = useRef<HTMLOListElement>(null);
  const pressed = useRef<string | null>(null);
  const dates = readDates();
  useEffect(() => {
    // A tile that moves in the document loses the focus; whoever pressed its button may want to press it again.
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const button = buttons.find((each) => pressed.current !== null && each.getAttribute("aria-label") === pressed.current);
    pressed.current = null;
    (button?.disabled ? button.parentElement?.querySelector<HTMLElement>("button:enabled") : button)?.focus();
  }, [tiles]);
  const move = (from: number, to: number): void => {
    const tile = tiles[from];
    if (!tile || to === from || to < 0 || to >= tiles.length) return;
    pressed.current = document.activeElement?.getAttribute("aria-label") ?? null;
    keep(moved(tiles, from, to));
    toast(text.movedTo(titleOf(tile), to + 1, tiles.length));
  };
  return (
    <>
      {isArranged && <p class="muted small">{text.dragHint}</p>}
      <Problem fault={fault} />
      <ol class="tiles" aria-label={text.tiles} ref={list}>
        {tiles.map((tile, at) => {
          const shown = dates ? { ...tile, insight: dated(tile.insight, dates, new Date()) } : tile;
          return <li
            key={keyOf(tiles, at)} class={`card tile${isArranged ? " is-movable" : ""}${target === at && dragged !== at ? " is-target" : ""}`}
            data-width={nearestWidth(tile.layout.w)} draggable={isArranged}
            onDragStart={() => setDragged(at)}
            onDragOver={(event) => {
              if (dragged === null) return;
              event.preventDefault();
              setTarget(at);
            }}
            onDragEnd={() => {
              setDragged(null);
              setTarget(null);
            }}
            onDrop={(event) => {
              event.preventDefault();
              if (dragged !== null) move(dragged, at);
            }}
          >
            <TileHead tile={shown} />
            {isArranged && (
              <Tools
                tile={tile} at={at} count={tiles.length} onMove={(to) => move(at, to)}
                onLayout={(layout) => keep(tiles.map((each, place) => (place === at ? { ...each, layout: { ...each.layout, ...layout } } : each)))}
                onTakeOff={() => keep(tiles.filter((_, place) => place !== at))}
              />
            )}
            <TileBody projectId={project.id} tile={shown} asOf={asOf} />
          </li>;
        })}
      </ol>
    </>
  );
}

/** The tiles as they were arranged here last, kept on the server one change after the other; what it refuses is as it was. What was put on the
 * dashboard meanwhile, in another window or by somebody else, stays on it, and what was taken off stays off.
 * What a login that ended held up is sent once there is a new one. */
function useKept(path: string, kept: readonly Tile[], onChanged: () => void): { tiles: Tile[]; fault: ApiFault | null; keep: (wanted: Tile[]) => void } {
  const [tiles, setTiles] = useState(() => inOrder(kept));
  const [fault, setFault] = useState<ApiFault | null>(null);
  const waiting = useRef<Tile[] | null>(null);
  const isSending = useRef(false);
  const known = useRef(kept); // as the server had them last, as far as it was heard here
  useEffect(() => {
    known.current = kept;
    setTiles(inOrder(kept));
  }, [kept]);
  const send = async (): Promise<void> => {
    if (isSending.current) return;
    isSending.current = true;
    let sent: Tile[] | null = null;
    try {
      while (waiting.current) {
        sent = waiting.current;
        waiting.current = null;
        const now = (await get<Dashboard>(path)).tiles;
        const added = without(now, known.current);
        const left = without(sent, without(known.current, now));
        known.current = (await patch<Dashboard>(path, { tiles: tilesBody([...left, ...inOrder(added)]) })).tiles;
        if (added.length > 0 || left.length < sent.length || left.length === 0) onChanged();
      }
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error;
      if (error.status === 401) {
        waiting.current ??= sent;
        return;
      }
      waiting.current = null;
      setFault(error);
      onChanged();
    } finally {
      isSending.current = false;
    }
  };
  useNewLogin(() => void send());
  const keep = (wanted: Tile[]): void => {
    setFault(null);
    setTiles(wanted);
    waiting.current = wanted;
    void send();
  };
  return { tiles, fault, keep };
}

/** Those of the tiles that are not among the others. */
function without(tiles: readonly Tile[], others: readonly Tile[]): Tile[] {
  const keys = new Set(others.map((_, at) => keyOf(others, at)));
  return tiles.filter((_, at) => !keys.has(keyOf(tiles, at)));
}

/** The same insight may stand on a dashboard more than once. */
function keyOf(tiles: readonly Tile[], at: number): string {
  const id = tiles[at]?.insight_id ?? "";
  return `${id} ${tiles.slice(0, at).filter((each) => each.insight_id === id).length}`;
}
