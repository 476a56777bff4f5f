import type { JSX } from "preact";
import { useId } from "preact/hooks";

const known: readonly string[] = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC")];

/** A timezone's name, with those suggested that the browser knows; the server judges it. */
export function TimezoneInput({ value, onChange }: { value: string; onChange: (value: string) => void }): JSX.Element {
  const id = useId();
  return (
    <>
      <input class="input" list={id} required autocomplete="off" spellcheck={false} value={value} onInput={(event) => onChange(event.currentTarget.value)} />
      <datalist id={id}>{known.map((name) => <option key={name} value={name} />)}</datalist>
    </>
  );
}
