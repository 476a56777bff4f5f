import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiFault } from "../api/client.ts";
import icon from "../icon.svg";
import { useAct } from "../state/act.ts";
import { logIn } from "../state/session.ts";
import { useTitle } from "../state/title.ts";
import { login } from "../text/login.ts";
import { Field, Form, Submit } from "../ui/form.tsx";
import { faultText } from "../ui/states.tsx";

export function Login(): JSX.Element {
  useTitle(login.title);
  return <main class="centre"><LoginForm /></main>;
}

/** Over a page whose login has ended: it hides the page until there is a new one. */
export function LoginOver(): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const focused = document.activeElement;
    element.current?.showModal();
    return () => setTimeout(() => focused instanceof HTMLElement && focused.focus());
  }, []);
  return (
    <dialog ref={element} class="login-over" aria-label={login.ended} onCancel={(event) => event.preventDefault()} onClose={() => element.current?.showModal()}>
      <p role="status">{login.ended}</p>
      <LoginForm />
    </dialog>
  );
}

function LoginForm(): JSX.Element {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const act = useAct();
  const [problem, setProblem] = useState<string | null>(null);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const send = async (): Promise<void> => {
    setProblem(null);
    try {
      await logIn(email, password);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Form act={act} className="card stack login" onSend={() => void act.run(send)}>
      <div class="row">
        <img src={icon} alt="" width="28" height="28" />
        <h1>{login.heading}</h1>
      </div>
      <Field label={login.email}>
        <input ref={first} class="input" type="text" inputMode="email" autocomplete="username" autocapitalize="off" spellcheck={false} required value={email} onInput={(event) => setEmail(event.currentTarget.value)} />
      </Field>
      <Field label={login.password}>
        <input class="input" type="password" autocomplete="current-password" required value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
      </Field>
      <div role="alert">{problem !== null && <p class="problem">{problem}</p>}</div>
      <Submit doing={login.busy}>{login.submit}</Submit>
      <p class="muted small">{login.hint}</p>
    </Form>
  );
}

function problemOf(error: unknown): string {
  if (!(error instanceof ApiFault)) throw error;
  if (error.status === 401) return login.wrong;
  if (error.status === 429) return login.tooMany(error.retryAfterS ?? 30);
  return faultText(error);
}
