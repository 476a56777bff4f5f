import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./icons.tsx";

interface Props {
  kind?: "plain" | "primary" | "quiet" | "danger";
  icon?: IconName;
  /** What it does, where there is only an icon to see. */
  label?: string;
  isSmall?: boolean;
  type?: "button" | "submit";
  disabled?: boolean;
  onClick?: (event: MouseEvent) => void;
  children?: ComponentChildren;
  [attribute: `aria-${string}`]: string | boolean | undefined;
}

export function Button({ kind = "plain", icon, label, isSmall, type = "button", children, ...rest }: Props): JSX.Element {
  const names = ["button", kind === "plain" ? "" : `is-${kind}`, children === undefined ? "is-icon" : "", isSmall ? "is-small" : ""];
  return (
    <button type={type} class={names.filter(Boolean).join(" ")} aria-label={label} title={children === undefined ? label : undefined} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A few choices of which one holds. */
export function Segmented<T extends string>({ label, value, options, onChange }: {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
}): JSX.Element {
  return (
    <div class="segmented" role="group" aria-label={label}>
      {options.map((option) => (
        <button type="button" key={option.value} aria-pressed={option.value === value} onClick={() => onChange(option.value)}>
          {option.label}
        </button>
      ))}
    </div>
  );
}
