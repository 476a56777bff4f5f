// What a page shows while there is nothing to show: loading, slow (with a way out), broken, and empty.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ApiFault } from "../api/client.ts";
import { SLOW_MS, type Asked } from "../state/ask.ts";
import { text } from "../text/en.ts";
import { Button } from "./button.tsx";

/** isPage: there is nothing but it, so that it heads the page. */
export function Empty({ title, isPage, children }: { title: string; isPage?: boolean; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      {isPage ? <h1 tabIndex={-1}>{title}</h1> : <h2>{title}</h2>}
      {children}
    </div>
  );
}

export function Skeleton({ height = "14rem" }: { height?: string }): JSX.Element {
  return (
    <div role="status" aria-label={text.state.loading}>
      <div class="skeleton" style={{ height }} />
    </div>
  );
}

export function faultText(fault: ApiFault): string {
  if (fault.status === 0) return text.state.unreachable;
  if (fault.status === 403) return text.state.forbidden(fault.message);
  if (fault.status === 503) return text.state.overloaded;
  return fault.message || text.state.unknown(fault.status);
}

export function Fault({ fault, onAgain }: { fault: ApiFault; onAgain?: () => void }): JSX.Element {
  return (
    <div class="note is-bad" role="alert">
      <div class="grow">
        <strong>{text.state.fault}.</strong> {faultText(fault)}
      </div>
      {onAgain && <Button isSmall onClick={onAgain}>{text.state.again}</Button>}
    </div>
  );
}

function Slow({ onCancel }: { onCancel: () => void }): JSX.Element {
  const [seconds, setSeconds] = useState(Math.ceil(SLOW_MS / 1000));
  useEffect(() => {
    const timer = setInterval(() => setSeconds((before) => before + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="note" role="status">
      <span class="grow">{text.state.slow(seconds)}</span>
      <Button isSmall onClick={onCancel}>{text.state.cancel}</Button>
    </div>
  );
}

/** The answer, with what there is to say of it around. What is out of date stays on show, dimmed, under a moving line. */
export function Answer<T>({ asked, skeleton = <Skeleton />, children }: {
  asked: Asked<T>;
  skeleton?: JSX.Element;
  children: (data: T) => ComponentChildren;
}): JSX.Element {
  const { data, fault, isLoading, isSlow, isCancelled } = asked;
  return (
    <div class={`answer${(isLoading || fault || isCancelled) && data !== null ? " is-stale" : ""}`} aria-busy={isLoading}>
      {isLoading && <div class="progress" />}
      {isSlow && <Slow onCancel={asked.cancel} />}
      {fault && <Fault fault={fault} onAgain={asked.again} />}
      {isCancelled && (
        <div class="note" role="status">
          <span class="grow">{text.state.cancelled}</span>
          <Button isSmall onClick={asked.again}>{text.state.again}</Button>
        </div>
      )}
      {data !== null ? children(data) : isLoading && skeleton}
    </div>
  );
}
