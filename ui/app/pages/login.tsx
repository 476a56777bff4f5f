import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiFault } from "../api/client.ts";
import icon from "../icon.svg";
import { logIn } from "../state/session.ts";
import { login } from "../text/login.ts";
import { text } from "../text/en.ts";
import { Button } from "../ui/button.tsx";
import { faultText } from "../ui/states.tsx";

export function Login(): JSX.Element {
  useEffect(() => {
    document.title = `${login.title} · ${text.product}`;
  }, []);
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
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await logIn(email, password);
    } catch (error) {
      setProblem(problemOf(error));
      setBusy(false);
    }
  };
  return (
    <form class="card stack login" onSubmit={(event) => void submit(event)} aria-describedby="login-problem">
      <div class="row">
        <img src={icon} alt="" width="28" height="28" />
        <h1>{login.heading}</h1>
      </div>
      <label class="field">
        <span>{login.email}</span>
        <input ref={first} class="input" type="text" inputMode="email" autocomplete="username" autocapitalize="off" spellcheck={false} required value={email} onInput={(event) => setEmail(event.currentTarget.value)} />
      </label>
      <label class="field">
        <span>{login.password}</span>
        <input class="input" type="password" autocomplete="current-password" required value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
      </label>
      <div id="login-problem" role="alert">{problem !== null && <p class="problem">{problem}</p>}</div>
      <Button type="submit" kind="primary" disabled={isBusy}>{isBusy ? login.busy : login.submit}</Button>
      <p class="muted small">{login.hint}</p>
    </form>
  );
}

function problemOf(error: unknown): string {
  if (!(error instanceof ApiFault)) throw error;
  if (error.status === 401) return login.wrong;
  if (error.status === 429) return login.tooMany(error.retryAfterS ?? 30);
  return faultText(error);
}
