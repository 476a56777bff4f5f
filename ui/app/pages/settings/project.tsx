// A project's name, dates, and what its pages and recordings go by.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get, patch, projectPath, remove } from "../../api/client.ts";
import type { ProjectSettings } from "../../api/people.ts";
import type { Project } from "../../api/types.ts";
import { changed } from "../../model/changes.ts";
import { useAct } from "../../state/act.ts";
import { useAsk } from "../../state/ask.ts";
import { forgetProject, keepProject, loadMe, me } from "../../state/session.ts";
import { general as text, settings } from "../../text/settings.ts";
import { Button } from "../../ui/button.tsx";
import { Check, Choices, Confirm, Field, Form, Problem, Submit } from "../../ui/form.tsx";
import { Answer, Skeleton } from "../../ui/states.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { PartProps } from "./page.tsx";
import { TimezoneInput } from "./timezone.tsx";

export function General({ project }: PartProps): JSX.Element {
  const asked = useAsk(project.id, (signal) => get<Project>(projectPath(project.id), {}, signal));
  return (
    <>
      <Answer asked={asked} skeleton={<Skeleton height="30rem" />}>{(found) => <Fields key={found.id} project={found} />}</Answer>
      {me.value?.user.is_instance_admin && <Deleting id={project.id} name={project.name} />}
    </>
  );
}

/** Empty is null; what is no number goes to the server as it is, which says so. */
const daysOf = (typed: string): number | string | null => (typed.trim() === "" ? null : Number.isNaN(Number(typed)) ? typed : Number(typed));

function Fields({ project }: { project: Project }): JSX.Element {
  const [name, setName] = useState(project.name);
  const [timezone, setTimezone] = useState(project.timezone);
  const [kept, setKept] = useState<ProjectSettings>(project.settings);
  const [eventDays, setEventDays] = useState(String(kept.event_retention_days ?? ""));
  const [recordingDays, setRecordingDays] = useState(String(kept.recording_retention_days ?? ""));
  const [share, setShare] = useState(String(Math.round(kept.recording_sample_rate * 10_000) / 100));
  const act = useAct();
  const { fault, run } = act;
  const change = (changes: Partial<ProjectSettings>): void => setKept({ ...kept, ...changes });
  const basics = { name, timezone };
  const rules = {
    ...kept, event_retention_days: daysOf(eventDays), recording_retention_days: daysOf(recordingDays), recording_sample_rate: Math.round(Number(share) * 100) / 10_000,
  };
  const [saved, setSaved] = useState({ basics, rules });
  const send = async (): Promise<void> => {
    const body = { ...changed(basics, saved.basics), settings: changed(rules, saved.rules) };
    const save = async (): Promise<void> => {
      keepProject(await patch<Project>(projectPath(project.id), body));
      setSaved({ basics, rules });
      void loadMe();
    };
    if (await run(save)) toast(settings.saved);
  };
  const days = (label: string, name: string, value: string, set: (value: string) => void): JSX.Element => (
    <Field label={label} name={name}>
      <input class="input" type="number" inputMode="numeric" min="1" max="36500" step="1" value={value} onInput={(event) => set(event.currentTarget.value)} />
    </Field>
  );
  return (
    <Form act={act} onSend={() => void send()}>
      <section class="card stack">
        <h2>{text.basics}</h2>
        <div class="settings-fields">
          <Field label={text.name} name="name"><input class="input" required maxLength={100} value={name} onInput={(event) => setName(event.currentTarget.value)} /></Field>
          <Field label={text.timezone} hint={text.timezoneHint} name="timezone"><TimezoneInput value={timezone} onChange={setTimezone} /></Field>
        </div>
        <Choices legend={text.identityLegend} name="settings.identity" options={text.identities} value={kept.identity} onChange={(identity) => change({ identity })} />
      </section>
      <section class="card stack">
        <div><h2>{text.retention}</h2><p class="muted small">{text.retentionHint}</p></div>
        <div class="settings-fields">
          {days(text.eventDays, "settings.event_retention_days", eventDays, setEventDays)}
          {days(text.recordingDays, "settings.recording_retention_days", recordingDays, setRecordingDays)}
        </div>
      </section>
      <section class="card stack">
        <h2>{text.recording}</h2>
        <div class="settings-fields">
          <Field label={text.sampleRate} hint={text.sampleRateHint} name="settings.recording_sample_rate">
            <input class="input" type="number" inputMode="decimal" min="0" max="100" step="0.01" required value={share} onInput={(event) => setShare(event.currentTarget.value)} />
          </Field>
          <div class="stack">
            <Check label={text.maskInputs} name="settings.mask_all_inputs" value={kept.mask_all_inputs} onChange={(value) => change({ mask_all_inputs: value })} />
            <Check label={text.maskText} hint={text.maskTextHint} name="settings.mask_all_text" value={kept.mask_all_text} onChange={(value) => change({ mask_all_text: value })} />
          </div>
        </div>
      </section>
      <section class="card stack">
        <h2>{text.pages}</h2>
        <Check label={text.autocapture} name="settings.autocapture" value={kept.autocapture} onChange={(value) => change({ autocapture: value })} />
        <Check label={text.doNotTrack} name="settings.respect_do_not_track" value={kept.respect_do_not_track} onChange={(value) => change({ respect_do_not_track: value })} />
      </section>
      <div class="settings-save">
        <Submit>{settings.save}</Submit>
        <Problem fault={fault} />
      </div>
    </Form>
  );
}

function Deleting({ id, name }: { id: string; name: string }): JSX.Element {
  const [isAsked, setAsked] = useState(false);
  const deleteIt = async (): Promise<void> => {
    await remove(projectPath(id));
    toast(text.removed(name));
    forgetProject(id);
    void loadMe();
  };
  return (
    <section class="card settings-head">
      <div><h2>{text.remove}</h2><p class="muted small">{text.removeText}</p></div>
      <Button kind="danger" icon="trash" onClick={() => setAsked(true)}>{text.remove}</Button>
      {isAsked && (
        <Confirm title={text.removeTitle(name)} act={text.remove} word={name} onDo={deleteIt} onClose={() => setAsked(false)}>
          <p>{text.removeText}</p>
        </Confirm>
      )}
    </section>
  );
}
