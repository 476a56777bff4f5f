// A smart event being made, changed, archived or deleted. Who may not write sees what it means.
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { ask, post, projectPath } from "../../api/client.ts";
import { forgetSmartEvents } from "../../api/definitions.ts";
import type { ProjectRole, SmartEvent, SmartRule } from "../../api/types.ts";
import { changesOf, NO_DRAFT, readDraft, takenIn, writeDraft, type Draft } from "../../model/draft.ts";
import type { Range } from "../../model/range.ts";
import { inPlace } from "../../model/refusals.ts";
import { MAX_RULES, NO_RULE, ruleBody, ruleSentence, saysSomething } from "../../model/rules.ts";
import { useAct } from "../../state/act.ts";
import { useAsk } from "../../state/ask.ts";
import { dayOfRange } from "../../state/day.ts";
import { go, hrefOf, pathOf, place, setParameters } from "../../state/router.ts";
import { readScope } from "../../state/scope.ts";
import { mayWrite } from "../../state/session.ts";
import { useDetailTitle } from "../../state/title.ts";
import { builder as text, smart as listed } from "../../text/smart.ts";
import { Button } from "../../ui/button.tsx";
import { Field, Form, Problem, Submit } from "../../ui/form.tsx";
import { Empty, Fault } from "../../ui/states.tsx";
import { toast } from "../../ui/toasts.tsx";
import { Preview, type Previewed } from "./preview.tsx";
import { RemoveDialog } from "./remove.tsx";
import { RuleFields } from "./rule.tsx";

const USUAL: Range = { from: "-6d", to: null };
const SHOWN = 10;
const MAX_NAME_CHARS = 200;
const MAX_DESCRIPTION_CHARS = 1000;

export function Builder({ project, known }: { project: ProjectRole; known: SmartEvent | null }): JSX.Element {
  const path = projectPath(project.id, "action_definitions");
  const [saved, setSaved] = useState(known);
  const [draft, setDraft] = useState(() => readDraft(new URLSearchParams(place.value.search), known ?? NO_DRAFT));
  const { name, description, rules } = draft;
  // As it is now: a field is left, the next one changed and the form sent before any of it is drawn.
  const latest = useRef(draft);
  const show = (shown: Draft): void => {
    latest.current = shown;
    setDraft(shown);
  };
  const change = (part: Partial<Draft>): void => show({ ...latest.current, ...part });
  const [isTried, setTried] = useState(false);
  const act = useAct();
  const { isBusy, fault, run, forget } = act;
  const [isRemoving, setRemoving] = useState(false);
  const { range } = readScope(USUAL);
  const said = rules.filter(saysSomething).map(ruleBody);
  const previewPath = `${path}/preview`;
  const body = { rules: said, date_from: range.from, ...(range.to !== null && { date_to: range.to }), limit: SHOWN };
  const previewed = useAsk(said.length > 0 ? JSON.stringify([previewPath, body, dayOfRange(range)]) : null, (signal) => post<Previewed>(previewPath, body, signal));
  // The preview is asked of the rules that say something: its places are among these.
  const places = rules.flatMap((rule, place) => (saysSomething(rule) ? [place] : []));
  const details = [...(fault?.details ?? []), ...inPlace(previewed.fault?.details ?? [], "rules", places)];

  /** from: what was saved, or is so with this. */
  const send = async (method: "POST" | "PATCH", body: Record<string, unknown>, from: Draft, done: string, after?: (smart: SmartEvent) => void): Promise<void> => {
    await run(async () => {
      const smart = await ask<SmartEvent>(method, saved && method === "PATCH" ? `${path}/${encodeURIComponent(saved.id)}` : path, { body });
      forgetSmartEvents(project.id);
      setSaved(smart);
      show(takenIn(latest.current, from, smart));
      toast(done);
      if (method === "PATCH") tell(smart);
      after?.(smart);
    });
  };
  const changeRules = (changing: (rules: readonly SmartRule[]) => SmartRule[]): void => {
    const changed = changing(latest.current.rules);
    if (changed.length < latest.current.rules.length) forget(); // what was refused is of rules by their places
    change({ rules: changed });
    tell();
  };
  const trimmed = (): Draft => ({ ...latest.current, name: latest.current.name.trim(), description: latest.current.description.trim() });
  const tell = (as = saved): void => setParameters(writeDraft(trimmed(), as ?? NO_DRAFT), { replace: true });
  const save = (): void => {
    setTried(true);
    const sent = trimmed();
    if (sent.name === "" || !sent.rules.every(saysSomething)) return;
    if (saved) void send("PATCH", changesOf(sent, saved), sent, text.saved);
    else void send("POST", { ...sent, rules: sent.rules.map(ruleBody) }, sent, text.saved, (smart) => go(hrefOf(pathOf("smart-events", smart.id)), { replace: true }));
  };
  const archive = (isArchived: boolean): void => void send("PATCH", { archived: isArchived }, saved ?? NO_DRAFT, isArchived ? text.archivedDone : text.unarchivedDone);

  useDetailTitle(saved?.name ?? text.newTitle);
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1} class="truncate">{saved?.name ?? text.newTitle}</h1>
        {saved && mayWrite.value && (
          <>
            <Button onClick={() => archive(!saved.archived)} disabled={isBusy}>{saved.archived ? text.unarchive : text.archive}</Button>
            <Button kind="danger" icon="trash" onClick={() => setRemoving(true)}>{text.remove}</Button>
          </>
        )}
        <a class="button" href={hrefOf("/smart-events")}>{text.back}</a>
      </header>
      {saved?.archived && <div class="note">{text.archivedNote}</div>}
      {fault && fault.details.length === 0 && <Fault fault={fault} />}
      <div class="smart">
        {mayWrite.value ? (
          <Form act={act} details={details} onSend={save} noValidate>
            <Named name={name} description={description} isTried={isTried} onName={(typed) => change({ name: typed })} onDescription={(typed) => change({ description: typed })} onLeft={() => tell()} />
            <Rules projectId={project.id} rules={rules} isTried={isTried} onChange={changeRules} />
            {fault && fault.details.length > 0 && <Problem fault={fault} />}
            <div class="row">
              <Submit>{text.save}</Submit>
            </div>
          </Form>
        ) : <Told description={description} rules={rules.filter(saysSomething)} />}
        <Preview asked={previewed} range={range} timezone={project.timezone} isAsked={said.length > 0} />
      </div>
      {saved && isRemoving && (
        <RemoveDialog
          path={`${path}/${encodeURIComponent(saved.id)}`} smart={saved} onClose={() => setRemoving(false)}
          onArchive={() => {
            setRemoving(false);
            archive(true);
          }}
          onRemoved={() => {
            forgetSmartEvents(project.id);
            toast(text.removed);
            go(hrefOf("/smart-events"));
          }}
        />
      )}
    </div>
  );
}

function Named({ name, description, isTried, onName, onDescription, onLeft }: {
  name: string;
  description: string;
  isTried: boolean;
  onName: (name: string) => void;
  onDescription: (description: string) => void;
  /** Of a field that was changed. */
  onLeft: () => void;
}): JSX.Element {
  const isMissing = isTried && name.trim() === "";
  return (
    <div class="card stack">
      <Field label={text.name} name="name" problem={isMissing ? text.nameMissing : null}>
        <input class="input" value={name} maxLength={MAX_NAME_CHARS} onInput={(event) => onName(event.currentTarget.value)} onChange={onLeft} />
      </Field>
      <Field label={text.description} name="description">
        <input class="input" value={description} maxLength={MAX_DESCRIPTION_CHARS} onInput={(event) => onDescription(event.currentTarget.value)} onChange={onLeft} />
      </Field>
    </div>
  );
}

function Rules({ projectId, rules, isTried, onChange }: {
  projectId: string;
  rules: readonly SmartRule[];
  isTried: boolean;
  onChange: (change: (rules: readonly SmartRule[]) => SmartRule[]) => void;
}): JSX.Element {
  return (
    <>
      <h2>{text.rules} {rules.length > 1 ? text.any : text.only}</h2>
      {rules.map((rule, place) => (
        <RuleFields
          key={place} projectId={projectId} place={place} rule={rule} isTried={isTried}
          onChange={(changed) => onChange((all) => all.map((each, at) => (at === place ? { ...each, ...changed } : each)))}
          onRemove={rules.length > 1 ? () => onChange((all) => all.filter((_, at) => at !== place)) : null}
        />
      ))}
      {rules.length < MAX_RULES && <div><Button icon="plus" onClick={() => onChange((all) => [...all, NO_RULE])}>{text.addRule}</Button></div>}
    </>
  );
}

function Told({ description, rules }: { description: string; rules: readonly SmartRule[] }): JSX.Element {
  if (rules.length === 0) return <div class="card"><Empty title={listed.noneViewer} /></div>;
  return (
    <section class="card stack">
      {description && <p>{description}</p>}
      <h2>{text.rules} {rules.length > 1 ? text.any : text.only}</h2>
      <ul class="told">{rules.map((rule, place) => <li key={place}>{ruleSentence(rule)}</li>)}</ul>
    </section>
  );
}
