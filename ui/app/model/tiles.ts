// How tiles stand: one after the other as one reads, in rows of twelve columns. Whatever layout is kept, its order is what counts.
import type { Layout, Tile } from "../api/dashboards.ts";

export const COLUMNS = 12;
export const WIDTHS = [4, 6, 8, 12] as const;
export const USUAL = { w: 6, h: 4 };

/** The nearest of the widths that can be chosen here: the API takes any. */
export const nearestWidth = (w: number): number => WIDTHS.reduce((best, each) => (Math.abs(each - w) < Math.abs(best - w) ? each : best), WIDTHS[0] as number);

export function inOrder<T extends { layout: Layout }>(tiles: readonly T[]): T[] {
  return [...tiles].sort((one, other) => one.layout.y - other.layout.y || one.layout.x - other.layout.x);
}

/** The same tiles in this order with nothing overlapping: each beside the one before where there is room, else in the next row. */
export function flowed<T extends { layout: Layout }>(tiles: readonly T[]): T[] {
  let [x, y, high] = [0, 0, 0];
  return tiles.map((tile) => {
    const { w, h } = tile.layout;
    if (x + w > COLUMNS) [x, y, high] = [0, y + high, 0];
    const layout = { x, y, w, h };
    [x, high] = [x + w, Math.max(high, h)];
    return { ...tile, layout };
  });
}

export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = [...list];
  const [taken] = rest.splice(from, 1);
  if (taken !== undefined) rest.splice(Math.max(0, Math.min(to, rest.length)), 0, taken);
  return rest;
}

/** As PATCH takes them. */
export function tilesBody(tiles: readonly Pick<Tile, "insight_id" | "title" | "layout">[]): unknown[] {
  return flowed(tiles).map(({ insight_id, title, layout }) => ({ insight_id, title, layout }));
}
