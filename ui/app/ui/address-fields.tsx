// Fields whose values are parameters of the address: a list is filtered by them, and a copied link has them.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { suggestValues } from "../api/definitions.ts";
import { valueLabel, valueTyped } from "../model/names.ts";
import { setParameters } from "../state/router.ts";
import { parameter } from "../state/scope.ts";
import "../style/lists.css";
import { text } from "../text/en.ts";
import { Button } from "./button.tsx";
import { Combobox, type Suggestion } from "./combobox.tsx";

interface Named {
  /** The parameter's. */
  name: string;
  label: string;
}

type Suggest = (typed: string, signal: AbortSignal) => Promise<Suggestion[]>;

export function AddressField({ name, label, placeholder, suggest, labelOf, areNames = false, typedAs = String }: Named & {
  placeholder: string;
  suggest: Suggest;
  labelOf?: (value: string) => string;
  areNames?: boolean;
  /** The value that is meant by what was typed and is none of the suggested ones. */
  typedAs?: (typed: string) => string;
}): JSX.Element {
  return (
    <Combobox
      label={label} isLabelHidden placeholder={placeholder} value={parameter(name) ?? ""} suggest={suggest} areNames={areNames}
      onChange={(chosen, suggestion) => setParameters({ [name]: (suggestion ? chosen : typedAs(chosen)) || null })} {...(labelOf && { labelOf })}
    />
  );
}

/** One of the values that a property was seen to have, or another. */
export function AddressValue({ projectId, property, ...named }: Named & { placeholder: string; projectId: string; property: string }): JSX.Element {
  const suggest: Suggest = (typed, signal) => suggestValues(projectId, property, typed, signal);
  return <AddressField {...named} suggest={suggest} typedAs={(typed) => valueTyped(typed, property)} labelOf={(value) => (value ? valueLabel(value, property) : "")} />;
}

/** options: what is shown, by what the parameter then is; "" for none. */
export function AddressChoice({ name, label, options }: Named & { options: Record<string, string> }): JSX.Element {
  return (
    <label class="field">
      <span class="visually-hidden">{label}</span>
      <select class="input" value={parameter(name) ?? ""} onChange={(event) => setParameters({ [name]: event.currentTarget.value || null })}>
        {Object.entries(options).map(([value, shown]) => <option key={value} value={value}>{shown}</option>)}
      </select>
    </label>
  );
}

const WAIT_MS = 250;

/** Looks while something is typed; only what was left or looked for goes into the browser's history once. */
export function AddressSearch({ name, label, maxLength }: Named & { maxLength: number }): JSX.Element {
  const known = parameter(name) ?? "";
  const [typed, setTyped] = useState(known);
  const written = useRef(known);
  useEffect(() => {
    if (known !== written.current) {
      written.current = known;
      setTyped(known); // another address: back, or cleared
    }
  }, [known]);
  const write = (): void => {
    const wanted = typed.trim();
    if (wanted === written.current) return;
    const isFurther = written.current !== "" && wanted !== "";
    written.current = wanted;
    setParameters({ [name]: wanted || null }, { replace: isFurther });
  };
  useEffect(() => {
    const wait = setTimeout(write, WAIT_MS);
    return () => clearTimeout(wait);
  }, [typed]);
  return (
    <label class="field">
      <span class="visually-hidden">{label}</span>
      <input class="input" type="search" placeholder={label} value={typed} maxLength={maxLength} onInput={(event) => setTyped(event.currentTarget.value)} onBlur={write} />
    </label>
  );
}

export function ClearAddress({ names }: { names: readonly string[] }): JSX.Element | null {
  if (!names.some((name) => parameter(name))) return null;
  return <Button kind="quiet" onClick={() => setParameters(Object.fromEntries(names.map((name) => [name, null])))}>{text.fields.clear}</Button>;
}
