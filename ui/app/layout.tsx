// The frame around every page: navigation, the project's choice, the colours' choice, and who is logged in.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiFault } from "./api/client.ts";
import icon from "./icon.svg";
import { HOME, PAGES } from "./pages/registry.ts";
import { hrefOf, place, segments } from "./state/router.ts";
import { chooseProject, logOut, me, project } from "./state/session.ts";
import { chooseTheme, theme, THEMES, type Theme } from "./state/theme.ts";
import { text } from "./text/en.ts";
import { Button } from "./ui/button.tsx";
import { Icon } from "./ui/icons.tsx";
import { faultText } from "./ui/states.tsx";
import { toast } from "./ui/toasts.tsx";

const GROUPS = Object.keys(text.groups) as (keyof typeof text.groups)[];

function Brand(): JSX.Element {
  return (
    <a class="brand" href={hrefOf(`/${HOME}`)}>
      <img src={icon} alt="" width="24" height="24" />
      {text.product}
    </a>
  );
}

function Navigation(): JSX.Element {
  const current = segments.value[0] ?? HOME;
  return (
    <nav aria-label={text.navigation}>
      {GROUPS.map((group) => {
        const pages = PAGES.filter((page) => page.group === group);
        return pages.length > 0 && (
          <div key={group}>
            <h2>{text.groups[group]}</h2>
            <ul>
              {pages.map((page) => (
                <li key={page.path}>
                  <a href={hrefOf(`/${page.path}`)} aria-current={page.path === current ? "page" : undefined}>
                    <Icon name={page.icon} />
                    {page.label}
                  </a>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </nav>
  );
}

export function ProjectChoice(): JSX.Element | null {
  const projects = me.value?.projects ?? [];
  if (projects.length === 0) return null;
  return (
    <label class="field">
      <span>{text.project}</span>
      <select class="input" value={project.value?.id ?? ""} onChange={(event) => chooseProject(event.currentTarget.value)}>
        {!project.value && <option value="" />}
        {projects.map((each) => <option key={each.id} value={each.id}>{each.name}</option>)}
      </select>
    </label>
  );
}

function ThemeChoice(): JSX.Element {
  return (
    <label class="field">
      <span>{text.theme.label}</span>
      <select class="input" value={theme.value} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
        {THEMES.map((each) => <option key={each} value={each}>{text.theme[each]}</option>)}
      </select>
    </label>
  );
}

/** Who can't be logged out is told so, before they leave the machine to the next. */
function leave(): void {
  logOut().catch((error: unknown) => {
    if (!(error instanceof ApiFault)) throw error;
    toast(text.stillLoggedIn(faultText(error)));
  });
}

export function Layout({ children }: { children: ComponentChildren }): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const path = place.value.path;
  useEffect(() => setOpen(false), [path]);
  return (
    <>
      <a class="skip" href="#main">{text.skip}</a>
      <div class="shell">
        <header class="frame">
          <div class="top">
            <Brand />
            <Button icon={isOpen ? "close" : "menu"} label={isOpen ? text.closeMenu : text.menu} aria-expanded={isOpen} aria-controls="side" onClick={() => setOpen(!isOpen)} />
          </div>
          <div class={`side${isOpen ? " is-open" : ""}`} id="side">
            <Brand />
            <ProjectChoice />
            <Navigation />
            <div class="foot">
              <ThemeChoice />
              <span class="muted truncate" title={text.loggedInAs(me.value?.user.email ?? "")}>{me.value?.user.email}</span>
              <Button kind="quiet" onClick={leave}>{text.logOut}</Button>
            </div>
          </div>
        </header>
        <main id="main" tabIndex={-1}>{children}</main>
      </div>
    </>
  );
}
