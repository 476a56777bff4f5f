// What forms are made of: fields with what is wrong with them, why the whole was refused, and the question before what can't be undone.
import { cloneElement, createContext, type ComponentChildren, type JSX } from "preact";
import { useContext, useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ApiFault, Detail } from "../api/client.ts";
import { ownerOf } from "../model/refusals.ts";
import { useAct, type Act } from "../state/act.ts";
import { text } from "../text/en.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import type { IconName } from "./icons.tsx";
import { faultText } from "./states.tsx";

interface Sent {
  details: readonly Detail[];
  /** The names that the API has for the fields that are there. */
  names: Set<string>;
  isBusy: boolean;
}

const State = createContext<Sent>({ details: [], names: new Set(), isBusy: false });
const CONTROLS = "input, select, textarea, button";

/** What is wrong, here or by the server, is told beside the fields that it is about, of which the first has the focus once the form was sent. */
export function Form({ act: { isBusy, fault }, details = fault?.details ?? [], className = "stack", noValidate, onSend, children }: {
  act: Pick<Act, "isBusy" | "fault">;
  /** What is wrong with it, if that is more than what was refused. */
  details?: readonly Detail[];
  className?: string;
  noValidate?: boolean;
  onSend: () => void;
  children: ComponentChildren;
}): JSX.Element {
  const element = useRef<HTMLFormElement>(null);
  const [names] = useState(() => new Set<string>());
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (tries === 0) return;
    const problem = element.current?.querySelector("[data-problem]");
    const told = problem && element.current?.querySelector<HTMLElement>(`[aria-describedby~="${CSS.escape(problem.id)}"]`);
    (told?.matches(CONTROLS) ? told : told?.querySelector<HTMLElement>(CONTROLS))?.focus();
  }, [fault, tries]);
  const submit = (event: Event): void => {
    event.preventDefault();
    setTries(tries + 1);
    onSend();
  };
  return (
    <State.Provider value={{ details, names, isBusy }}>
      <form ref={element} class={className} noValidate={noValidate} onSubmit={submit}>{children}</form>
    </State.Provider>
  );
}

/** What sends the form; while that is under way it says so, and sends nothing more. */
export function Submit({ doing = text.form.saving, kind = "primary", icon, disabled = false, children }: {
  doing?: string;
  kind?: "primary" | "danger";
  icon?: IconName;
  disabled?: boolean;
  children: string;
}): JSX.Element {
  const { isBusy } = useContext(State);
  return <Button type="submit" kind={kind} {...(icon && { icon })} disabled={isBusy || disabled}>{isBusy ? doing : children}</Button>;
}

export interface Told {
  id: string;
  /** What is wrong with the field; "" where nothing is. */
  said: string;
}

/** What the server says of the field that the API calls `name`, after what is known here. */
export function useTold(name: string | undefined, known: string | null = null): Told {
  const { details, names } = useContext(State);
  const id = useId();
  useLayoutEffect(() => {
    if (name === undefined) return undefined;
    names.add(name);
    return () => names.delete(name);
  }, [name, names]);
  const refused = name === undefined ? [] : details.filter((each) => ownerOf(each.field, names) === name).map((each) => each.message);
  return { id: `${id}-problem`, said: [...(known === null ? [] : [known]), ...refused].join("; ") };
}

/** A control's attributes for it. */
export const aboutOf = ({ id, said }: Told): { "aria-describedby"?: string; "aria-invalid"?: "true" } =>
  (said === "" ? {} : { "aria-describedby": id, "aria-invalid": "true" });

/** Beside a control whose `aria-describedby` has `told.id`. */
export function Trouble({ told }: { told: Told }): JSX.Element | null {
  return told.said === "" ? null : <p class="problem" id={told.id} data-problem>{told.said}</p>;
}

/** A label and its one control, which is told apart by `aria-describedby` and `aria-invalid`. name: what the API calls it. */
export function Field({ label, hint, name, problem = null, children }: {
  label: string;
  hint?: string | undefined;
  name?: string;
  /** What is wrong with it and needs no server to know. */
  problem?: string | null;
  children: JSX.Element;
}): JSX.Element {
  const id = useId();
  const told = useTold(name, problem);
  const describedBy = [hint !== undefined && `${id}-hint`, told.said !== "" && told.id].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {cloneElement(children, { id, ...aboutOf(told), ...(describedBy && { "aria-describedby": describedBy }) })}
      {hint !== undefined && <small class="muted" id={`${id}-hint`}>{hint}</small>}
      <Trouble told={told} />
    </div>
  );
}

export function Check({ label, hint, name, value, onChange }: {
  label: string;
  hint?: string;
  name?: string;
  value: boolean;
  onChange: (value: boolean) => void;
}): JSX.Element {
  const told = useTold(name);
  return (
    <div>
      <label class="check">
        <input type="checkbox" checked={value} onChange={(event) => onChange(event.currentTarget.checked)} {...aboutOf(told)} />
        <span>{label}{hint && <small class="muted">{hint}</small>}</span>
      </label>
      <Trouble told={told} />
    </div>
  );
}

/** One of a few, with what each of them means. */
export function Choices<T extends string>({ legend, name, options, value, onChange }: {
  legend: string;
  name: string;
  options: Record<T, { name: string; hint: string }>;
  value: T;
  onChange: (value: T) => void;
}): JSX.Element {
  const told = useTold(name);
  return (
    <fieldset aria-describedby={told.said === "" ? undefined : told.id}>
      <legend>{legend}</legend>
      {(Object.keys(options) as T[]).map((each) => (
        <label class="check" key={each}>
          <input type="radio" name={name} checked={value === each} onChange={() => onChange(each)} />
          <span>{options[each].name}<small class="muted">{options[each].hint}</small></span>
        </label>
      ))}
      <Trouble told={told} />
    </fieldset>
  );
}

/** Why the server refused a form: what is about no field of it, in the server's words. */
export function Problem({ fault }: { fault: ApiFault | null }): JSX.Element {
  const { names } = useContext(State);
  const rest = fault?.details.filter((each) => ownerOf(each.field, names) === null) ?? [];
  return (
    <div role="alert">
      {fault && fault.details.length === 0 && <p class="problem">{faultText(fault)}</p>}
      {rest.length > 0 && <ul class="problem">{rest.map((each, place) => <li key={place}>{each.field ? `${each.field}: ` : ""}{each.message}</li>)}</ul>}
    </div>
  );
}

/** Asks before something that can't be undone is done. word: what has to be typed first. */
export function Confirm({ title, act: label, doing = text.form.deleting, word, onDo, onClose, children }: {
  title: string;
  /** What the button says, and what while it is done. */
  act: string;
  doing?: string;
  word?: string;
  /** Closed after it, unless the server refuses. */
  onDo: () => Promise<unknown>;
  onClose: () => void;
  children: ComponentChildren;
}): JSX.Element {
  const [typed, setTyped] = useState("");
  const act = useAct();
  const { fault, run } = act;
  const send = async (): Promise<void> => {
    if (await run(onDo)) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <Form act={act} onSend={() => void send()}>
        {children}
        {word !== undefined && (
          <Field label={text.confirm.type(word)}>
            <input class="input" autocomplete="off" spellcheck={false} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
          </Field>
        )}
        <Problem fault={fault} />
        <div class="dialog-foot">
          <Button onClick={onClose}>{text.dialog.cancel}</Button>
          <Submit kind="danger" doing={doing} disabled={word !== undefined && typed !== word}>{label}</Submit>
        </div>
      </Form>
    </Dialog>
  );
}
