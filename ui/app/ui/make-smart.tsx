// The way from a click, or a form that was sent, to a smart event that means all like it. For those who may make one.
import type { JSX } from "preact";
import type { SvEvent } from "../api/types.ts";
import { ruleOf } from "../model/clicked.ts";
import { writeRule } from "../model/draft.ts";
import { hrefOf } from "../state/router.ts";
import { mayWrite } from "../state/session.ts";
import "../style/event-line.css";
import { text } from "../text/en.ts";
import { Icon } from "./icons.tsx";

export function MakeSmart({ of }: { of: SvEvent }): JSX.Element | null {
  const rule = mayWrite.value ? ruleOf(of) : null;
  if (!rule) return null;
  return <p class="make-smart"><a class="button is-small" href={hrefOf("/smart-events/new", { r: writeRule(rule) })}><Icon name="smart" />{text.event.makeSmart}</a></p>;
}
