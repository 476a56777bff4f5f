// What arranges a tile without a pointer: its place, its size, and off the dashboard.
import type { JSX } from "preact";
import type { Layout, Tile } from "../../api/dashboards.ts";
import { nearestWidth, WIDTHS } from "../../model/tiles.ts";
import { dashboards as text } from "../../text/dashboards.ts";
import { Button } from "../../ui/button.tsx";
import { titleOf } from "./tile.tsx";

const HEIGHTS = [3, 4, 6] as const;
const nearestHeight = (h: number): number => HEIGHTS.reduce((best, each) => (Math.abs(each - h) < Math.abs(best - h) ? each : best), HEIGHTS[0] as number);

export function Tools({ tile, at, count, onMove, onLayout, onTakeOff }: {
  tile: Tile;
  at: number;
  count: number;
  onMove: (to: number) => void;
  onLayout: (layout: Partial<Layout>) => void;
  onTakeOff: () => void;
}): JSX.Element {
  const name = titleOf(tile);
  return (
    <div class="tile-tools">
      <Button isSmall icon="up" label={text.earlier(name)} disabled={at === 0} onClick={() => onMove(at - 1)} />
      <Button isSmall icon="down" label={text.later(name)} disabled={at === count - 1} onClick={() => onMove(at + 1)} />
      <select class="input" aria-label={text.width(name)} value={nearestWidth(tile.layout.w)} onChange={(event) => onLayout({ w: Number(event.currentTarget.value) })}>
        {WIDTHS.map((each) => <option key={each} value={each}>{text.widths[each]}</option>)}
      </select>
      <select class="input" aria-label={text.height(name)} value={nearestHeight(tile.layout.h)} onChange={(event) => onLayout({ h: Number(event.currentTarget.value) })}>
        {HEIGHTS.map((each) => <option key={each} value={each}>{text.heights[each]}</option>)}
      </select>
      <Button isSmall icon="close" label={text.takeOff(name)} onClick={onTakeOff} />
    </div>
  );
}
