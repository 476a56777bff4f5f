import type { JSX } from "preact";
import { useId } from "preact/hooks";

const known: readonly string[] = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC")];

/** A timezone's name, with those suggested that the browser knows; the server judges it. */
export function TimezoneInput({ value, onChange, ...rest }: { value: string; onChange: (value: string) => void; [ofField: string]: unknown }): JSX.Element {
  const list = useId();
  return (
    <>
      <input {...rest} class="input" list={list} required autocomplete="off" spellcheck={false} value={value} onInput={(event) => onChange(event.currentTarget.value)} />
      <datalist id={list}>{known.map((name) => <option key={name} value={name} />)}</datalist>
    </>
  );
}
