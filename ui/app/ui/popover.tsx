// A button with a panel under it. Escape and a click elsewhere close it; Escape gives the focus back to the button.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "./button.tsx";
import type { IconName } from "./icons.tsx";

interface Props {
  label: ComponentChildren;
  /** What the panel is, for those who don't see it. */
  name: string;
  icon?: IconName;
  kind?: "plain" | "quiet";
  isForm?: boolean;
  isAtEnd?: boolean;
  isSmall?: boolean;
  buttonClass?: string;
  /** Stands beside the button, in the same frame: a chip's cross. */
  after?: ComponentChildren;
  children: (close: () => void) => ComponentChildren;
}

export function Popover({ label, name, icon, kind = "plain", isForm, isAtEnd, isSmall, buttonClass, after, children }: Props): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const focusButton = (): void => root.current?.querySelector("button")?.focus();
  const close = (): void => {
    setOpen(false);
    focusButton();
  };
  useEffect(() => {
    if (!isOpen) return undefined;
    root.current?.querySelector<HTMLElement>(".pop-panel :is(input, select, textarea, button, a)")?.focus();
    const outside = (event: Event): void => {
      if (!(event.target instanceof Element) || root.current?.contains(event.target)) return;
      // What comes over the page, as the question for a new login does, leaves it as it is.
      const over = event.target.closest("dialog");
      if (!over || over.contains(root.current)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [isOpen]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && isOpen && !event.defaultPrevented) {
      event.stopPropagation();
      close();
    }
  };
  const toggle = (): void => setOpen(!isOpen);
  return (
    <div class="pop" ref={root} onKeyDown={onKeyDown}>
      {buttonClass !== undefined ? (
        <span class="chip">
          <button type="button" class={buttonClass} aria-expanded={isOpen} aria-haspopup="dialog" aria-label={name} onClick={toggle}>{label}</button>
          {after}
        </span>
      ) : (
        <Button kind={kind} {...(icon && { icon })} {...(isSmall && { isSmall })} aria-expanded={isOpen} aria-haspopup="dialog" onClick={toggle}>
          {label}
        </Button>
      )}
      {isOpen && (
        <div class={`pop-panel${isForm ? " is-form" : ""}${isAtEnd ? " is-end" : ""}`} role="dialog" aria-label={name}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
