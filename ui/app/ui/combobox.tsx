// A text field that suggests: events, properties, values. What is typed counts even where nothing is suggested, since a name may be new.
// The pattern is the ARIA combobox with a list: arrows move, Enter takes, Escape closes the list first.
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { isAbort, mayPass } from "../api/client.ts";
import { text } from "../text/en.ts";
import { aboutOf, type Told } from "./form.tsx";

export interface Suggestion {
  value: string;
  label?: string;
  note?: string;
}

interface Props {
  label: string;
  value: string;
  /** Whether the label is only for those who don't see it. */
  isLabelHidden?: boolean;
  placeholder?: string;
  suggest: (typed: string, signal: AbortSignal) => Promise<Suggestion[]>;
  /** A choice from the list (with it), or what was typed and left. */
  onChange: (value: string, chosen: Suggestion | null) => void;
  isInvalid?: boolean;
  /** What is wrong with it, which stands beside it. */
  told?: Told;
  labelOf?: (value: string) => string;
  /** Whether labels are names: who types one to its end means what is suggested by it, unless something is called just so. */
  areNames?: boolean;
}

const WAIT_MS = 120;
/** How long after a fault suggestions are asked for again, while the list is open; twice as long after each one more. */
const AGAIN_MS = 1000;
const LONGEST_MS = 30_000;

/** What an earlier list has of what is typed by now, until the list of that is there. */
export function fitting(list: readonly Suggestion[], typed: string): Suggestion[] {
  const part = typed.toLowerCase();
  return list.filter((each) => each.value.toLowerCase().includes(part) || (each.label ?? "").toLowerCase().includes(part));
}

/** What is meant by a name that was typed to its end; undefined where nothing that is suggested is called so. */
export function named(list: readonly Suggestion[], typed: string): Suggestion | undefined {
  const name = typed.trim();
  return list.find((each) => each.value === name) ?? list.find((each) => each.label?.toLowerCase() === name.toLowerCase());
}

const placeOf = (list: readonly Suggestion[], one: Suggestion | undefined): number => list.findIndex((each) => each.value === one?.value);

export function Combobox({ label, value, isLabelHidden, placeholder, suggest, onChange, isInvalid, told, labelOf = String, areNames = false }: Props): JSX.Element {
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null);
  const [found, setFound] = useState<{ of: string; list: Suggestion[] } | null>(null);
  const [isBroken, setBroken] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const list = useRef<HTMLDivElement>(null);
  const isAwaited = found === null || found.of !== (typed ?? "");
  const options = found === null ? [] : isAwaited ? fitting(found.list, typed ?? "") : found.list;
  const offered = useRef(options);
  offered.current = options;

  useEffect(() => {
    if (!isOpen) return undefined;
    const controller = new AbortController();
    let wait = setTimeout(() => ask(AGAIN_MS), typed === null ? 0 : WAIT_MS);
    const ask = (againMs: number): void => {
      suggest(typed ?? "", controller.signal)
        .then((suggestions) => {
          if (controller.signal.aborted) return;
          setFound({ of: typed ?? "", list: suggestions });
          setActive((before) => placeOf(suggestions, offered.current[before]));
          setBroken(false);
        })
        .catch((error: unknown) => {
          if (controller.signal.aborted || isAbort(error)) return;
          setFound({ of: typed ?? "", list: [] });
          setActive(-1);
          setBroken(true);
          if (mayPass(error)) wait = setTimeout(() => ask(Math.min(2 * againMs, LONGEST_MS)), againMs);
        });
    };
    return () => {
      clearTimeout(wait);
      controller.abort();
    };
  }, [typed, isOpen]);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const open = (): void => {
    if (isOpen) return;
    setFound(null); // what was suggested last time may be of another event or property
    setActive(-1);
    setOpen(true);
  };
  const take = (chosen: Suggestion): void => {
    onChange(chosen.value, chosen);
    setTyped(null);
    setOpen(false);
  };
  const leave = (): void => {
    const meant = typed !== null && areNames ? named(options, typed) : undefined;
    if (meant && meant.value !== value) onChange(meant.value, meant);
    else if (!meant && typed !== null && typed.trim() !== labelOf(value)) onChange(typed.trim(), null);
    setTyped(null);
    setOpen(false);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const count = options.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) open();
      else if (count > 0) setActive((active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : count - 1)) % count);
    } else if (event.key === "Enter") {
      const chosen = isOpen && active >= 0 ? options[active] : undefined;
      if (isOpen) event.preventDefault();
      if (chosen) take(chosen);
      else leave();
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      setTyped(null);
      setOpen(false);
    }
  };
  return (
    <div class="field combo">
      <label for={id} class={isLabelHidden ? "visually-hidden" : ""}>{label}</label>
      <input
        id={id} class="input" type="text" role="combobox" autocomplete="off" spellcheck={false} maxLength={2000}
        aria-expanded={isOpen} aria-controls={`${id}-list`} aria-autocomplete="list" aria-invalid={isInvalid ? "true" : undefined} {...(told && aboutOf(told))}
        aria-activedescendant={isOpen && active >= 0 ? `${id}-${active}` : undefined}
        placeholder={placeholder} value={typed ?? labelOf(value)}
        onFocus={(event) => event.currentTarget.select()}
        onClick={open}
        onInput={(event) => {
          open();
          setTyped(event.currentTarget.value);
          setActive(-1);
        }}
        onBlur={leave} onKeyDown={onKeyDown}
      />
      {isOpen && (
        <div class="combo-list" id={`${id}-list`} role="listbox" aria-label={label} ref={list}>
          {options.map((each, place) => (
            <div
              key={each.value} id={`${id}-${place}`} role="option" aria-selected={place === active} class="option"
              onPointerDown={(event) => event.preventDefault()} onClick={() => take(each)}
            >
              <span class="truncate">{each.label ?? each.value}</span>
              {each.note && <span class="muted">{each.note}</span>}
            </div>
          ))}
          {options.length === 0 && (
            <div class="combo-note" role="option" aria-disabled="true" aria-selected="false">{isAwaited ? text.combobox.loading : isBroken ? text.combobox.broken : text.combobox.none}</div>
          )}
        </div>
      )}
      <span class="visually-hidden" aria-live="polite">{isOpen && !isAwaited ? text.combobox.found(options.length) : ""}</span>
    </div>
  );
}
