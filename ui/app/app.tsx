// From who is logged in to what is shown: the login, the first run, or a page within the frame.
import type { ComponentChildren, ComponentType, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ProjectRole } from "./api/types.ts";
import { Layout } from "./layout.tsx";
import { HOME, PAGES, type PageEntry, type PageProps } from "./pages/registry.ts";
import { loadPart } from "./state/parts.ts";
import { hrefOf, place, segments } from "./state/router.ts";
import { hasEnded, loadMe, me, meFault, nameProjectInAddress, project } from "./state/session.ts";
import { useTitle } from "./state/title.ts";
import { text } from "./text/en.ts";
import { Button } from "./ui/button.tsx";
import { Empty, Fault, Skeleton } from "./ui/states.tsx";
import { Toasts } from "./ui/toasts.tsx";
import { Login, LoginOver } from "./pages/login.tsx";

export function App(): JSX.Element {
  return (
    <>
      <Gate />
      <Toasts />
    </>
  );
}

function Gate(): JSX.Element {
  const who = me.value;
  if (meFault.value) {
    return (
      <main class="centre">
        <h1 class="visually-hidden">{text.product}</h1>
        <Fault fault={meFault.value} onAgain={() => void loadMe()} />
      </main>
    );
  }
  if (who === undefined) return <main class="centre" aria-busy="true"><h1 class="visually-hidden">{text.product}</h1></main>;
  if (who === null) return <Login />;
  return (
    <>
      <Layout><Outlet /></Layout>
      {hasEnded.value && <LoginOver />}
    </>
  );
}

/** Where there is no project to look at, there are still the settings: of the server for who administers it, and everybody's own. */
const NO_PROJECT: ProjectRole = { id: "", name: "", timezone: "UTC", role: "viewer" };
const WITHOUT_PROJECT = "settings";

function Outlet(): JSX.Element {
  const [name = HOME, ...rest] = segments.value;
  const current = project.value ?? (me.value?.projects.length === 0 && name === WITHOUT_PROJECT ? NO_PROJECT : null);
  const address = place.value;
  useEffect(nameProjectInAddress, [current?.id, address.path, address.search]);
  useHeadFocus(address.path);
  if (!current) {
    const wanted = new URLSearchParams(address.search).get("project");
    const mayMake = me.value?.projects.length === 0 && me.value.user.is_instance_admin;
    return (
      <Nothing title={text.noProject.title}>
        <p>{mayMake ? text.noProject.first : wanted === null ? text.noProject.none : text.noProject.unknown(wanted)}</p>
        {mayMake && <a class="button" href={hrefOf(`/${WITHOUT_PROJECT}/projects`, { project: null })}>{text.noProject.make}</a>}
      </Nothing>
    );
  }
  const entry = PAGES.find((page) => page.path === name);
  if (!entry) return <NotFound />;
  return <Loaded key={`${current.id} ${entry.path}`} entry={entry} props={{ project: current, rest }} />;
}

/** Who moved on starts at the new page's head, as after a real page load: also where that comes a moment later, until they press something. */
function useHeadFocus(path: string): void {
  const shown = useRef(path);
  useEffect(() => {
    const main = document.querySelector("main");
    if (shown.current === path || !main) return undefined;
    shown.current = path;
    const focusHead = (): void => main.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    if (!main.contains(document.activeElement) || !document.activeElement?.matches("input, textarea, select")) focusHead();
    const watcher = new MutationObserver(() => {
      if (document.activeElement === document.body) focusHead();
    });
    watcher.observe(main, { childList: true, subtree: true });
    const stop = (): void => watcher.disconnect();
    addEventListener("keydown", stop, { once: true });
    addEventListener("pointerdown", stop, { once: true });
    return () => {
      stop();
      removeEventListener("keydown", stop);
      removeEventListener("pointerdown", stop);
    };
  }, [path]);
}

/** In place of a page. */
function Nothing({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  useTitle(title);
  return <Empty title={title} isPage>{children}</Empty>;
}

function NotFound(): JSX.Element {
  return (
    <Nothing title={text.notFound.title}>
      <p>{text.notFound.text}</p>
      <a class="button" href={hrefOf(`/${HOME}`)}>{text.notFound.back}</a>
    </Nothing>
  );
}

const loaded = new Map<string, ComponentType<PageProps>>();

function Loaded({ entry, props }: { entry: PageEntry; props: PageProps }): JSX.Element {
  const [Page, setPage] = useState<ComponentType<PageProps> | null>(() => loaded.get(entry.path) ?? null);
  const [isBroken, setBroken] = useState(false);
  useTitle(entry.label, props.project.name);
  useEffect(() => {
    if (Page) return undefined;
    let isGone = false;
    loadPart(entry.load)
      .then((module) => {
        loaded.set(entry.path, module.default);
        if (!isGone) setPage(() => module.default);
      })
      .catch(() => {
        if (!isGone) setBroken(true);
      });
    return () => {
      isGone = true;
    };
  }, []);
  if (isBroken) {
    return (
      <Nothing title={text.pageFault.title}>
        <p>{text.pageFault.text}</p>
        <Button onClick={() => location.reload()}>{text.pageFault.again}</Button>
      </Nothing>
    );
  }
  return Page ? <Page {...props} /> : <Skeleton height="24rem" />;
}
