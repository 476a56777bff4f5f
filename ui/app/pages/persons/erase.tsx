// Erasing a person: what goes, said before; how far it is, afterwards.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiFault, isAbort } from "../../api/client.ts";
import { erasePerson, jobOf, type Job } from "../../api/persons.ts";
import type { Person } from "../../api/types.ts";
import { formatNumber } from "../../model/format.ts";
import { personLabel } from "../../model/names.ts";
import { useAct } from "../../state/act.ts";
import { useNewLogin } from "../../state/ask.ts";
import { go, hrefOf } from "../../state/router.ts";
import { erasing as text } from "../../text/persons.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Fault } from "../../ui/states.tsx";

const EVERY_MS = 700;
const isOver = (job: Job): boolean => job.status === "done" || job.status === "failed";

export function EraseDialog({ projectId, person, onClose }: { projectId: string; person: Person; onClose: () => void }): JSX.Element {
  const [job, setJob] = useState<Job | null>(null);
  const [lookFault, setLookFault] = useState<ApiFault | null>(null);
  const { isBusy, fault, run } = useAct();
  const begin = (): void => void run(() => erasePerson(projectId, person.distinct_id).then(setJob));
  const lookAgain = (): void => {
    setLookFault(null);
    if (job) setJob({ ...job });
  };
  useEffect(() => {
    if (!job || isOver(job)) return undefined;
    const controller = new AbortController();
    const wait = setTimeout(() => {
      jobOf(projectId, job.id, controller.signal)
        .then(setJob)
        .catch((error: unknown) => {
          if (isAbort(error)) return;
          if (!(error instanceof ApiFault)) throw error;
          setLookFault(error);
        });
    }, EVERY_MS);
    return () => {
      clearTimeout(wait);
      controller.abort();
    };
  }, [job]);
  useNewLogin(() => {
    if (lookFault?.status === 401) lookAgain();
  });
  const close = (): void => {
    onClose();
    if (job?.status === "done") go(hrefOf("/persons"));
  };
  return (
    <Dialog title={text.title(personLabel(person))} onClose={close}>
      <div class="stack">
        {fault && <Fault fault={fault} />}
        {lookFault && <Fault fault={lookFault} onAgain={lookAgain} />}
        {job === null
          ? <Question person={person} isAsking={isBusy} onGo={begin} onClose={close} />
          : <Progress job={job} onAgain={begin} onClose={close} />}
      </div>
    </Dialog>
  );
}

function Question({ person, isAsking, onGo, onClose }: { person: Person; isAsking: boolean; onGo: () => void; onClose: () => void }): JSX.Element {
  const [isUnderstood, setUnderstood] = useState(false);
  return (
    <>
      <p>{text.what}</p>
      <p class="mono wrap">{person.distinct_id}</p>
      <ul class="goes">{text.goes(formatNumber(person.event_count), formatNumber(person.session_count)).map((each) => <li key={each}>{each}</li>)}</ul>
      <p class="muted small">{text.merged} {text.stays}</p>
      <label class="check">
        <input type="checkbox" checked={isUnderstood} onChange={(event) => setUnderstood(event.currentTarget.checked)} />
        {text.understood}
      </label>
      <div class="dialog-foot">
        <Button onClick={onClose}>{text.close}</Button>
        <Button kind="danger" icon="trash" disabled={!isUnderstood || isAsking} onClick={onGo}>{isAsking ? text.asking : text.go}</Button>
      </div>
    </>
  );
}

function Progress({ job, onAgain, onClose }: { job: Job; onAgain: () => void; onClose: () => void }): JSX.Element {
  return (
    <>
      <p role="status">
        <strong>{text.state[job.status]}</strong> {job.status === "done" && text.erased(formatNumber(job.events_erased))}
      </p>
      {!isOver(job) && <progress aria-label={text.progress} value={job.progress} max={1} />}
      {!isOver(job) && <p class="muted small">{text.background}</p>}
      {job.error !== null && <p class="problem">{job.error}</p>}
      {job.left_behind.length > 0 && (
        <div class="note is-bad">
          <div class="grow">{text.left}<ul class="goes">{job.left_behind.map((each) => <li key={each} class="mono wrap">{each}</li>)}</ul></div>
        </div>
      )}
      <div class="dialog-foot">
        {job.status === "failed" && <Button onClick={onAgain}>{text.again}</Button>}
        <Button onClick={onClose}>{job.status === "done" ? text.back : text.close}</Button>
      </div>
    </>
  );
}
