// Why a figure is 0: events of which none ever came, which may be mistyped names. Asked only where there is a 0.
import type { JSX } from "preact";
import { neverCame } from "../api/definitions.ts";
import { eventLabel } from "../model/names.ts";
import { useAsk } from "../state/ask.ts";
import { insights as text } from "../text/insights.ts";

interface Counted {
  event: string;
  action_id?: string;
}

/** zeros: what has a 0. Answers whether it is known that no event of its name ever came, which says nothing of smart events. */
export function useNeverCame(projectId: string, zeros: readonly Counted[]): (counted: Counted) => boolean {
  const names = [...new Set(zeros.filter((each) => each.action_id === undefined).map((each) => each.event))].sort();
  const key = names.length === 0 ? null : JSON.stringify([projectId, names]);
  const { data } = useAsk(key, (signal) => neverCame(projectId, names, signal), { keep: false });
  return ({ event, action_id: action }) => action === undefined && names.includes(event) && data?.includes(event) === true;
}

export const NeverCame = (): JSX.Element => <span class="muted small">{text.neverCame}</span>;

/** Where there is no figure that they could stand beside. */
export function NeverCameAll({ of }: { of: readonly Counted[] }): JSX.Element {
  const names = [...new Set(of.map((each) => eventLabel(each.event)))];
  return <>{names.map((name) => <p key={name}>{text.neverCameOf(name)}</p>)}</>;
}
