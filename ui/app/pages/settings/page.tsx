// What can be set, in parts of which each has an address: `/settings/<part>`. Only what somebody may do is there: who administers the
// project sees its parts, who administers the server those of the server, and everybody their own account.
import type { ComponentType, JSX } from "preact";
import type { ProjectRole } from "../../api/types.ts";
import { hrefOf, pathOf } from "../../state/router.ts";
import { me } from "../../state/session.ts";
import { useDetailTitle } from "../../state/title.ts";
import { settings as text } from "../../text/settings.ts";
import { Empty } from "../../ui/states.tsx";
import type { PageProps } from "../registry.ts";
import { Account } from "./account.tsx";
import { ProjectTrail, WholeTrail } from "./audit.tsx";
import { Install } from "./install.tsx";
import { Members } from "./members.tsx";
import { General } from "./project.tsx";
import { Projects } from "./projects.tsx";
import { Tokens } from "./tokens.tsx";
import { Users } from "./users.tsx";
import "./settings.css";

type Part = keyof typeof text.names;
export type PartProps = { project: ProjectRole };

const PARTS: Record<keyof typeof text.groups, Partial<Record<Part, ComponentType<PartProps>>>> = {
  project: { project: General, install: Install, tokens: Tokens, members: Members, audit: ProjectTrail },
  instance: { projects: Projects, users: Users, trail: WholeTrail },
  own: { account: Account },
};

export default function SettingsPage({ project, rest }: PageProps): JSX.Element {
  const isOf = { project: project.role === "admin", instance: me.value?.user.is_instance_admin === true, own: true };
  const groups = (Object.keys(PARTS) as (keyof typeof PARTS)[]).filter((group) => isOf[group]);
  const parts = Object.assign({}, ...groups.map((group) => PARTS[group])) as Partial<Record<Part, ComponentType<PartProps>>>;
  const wanted = rest[0] ?? Object.keys(parts)[0] ?? "";
  const name = Object.hasOwn(parts, wanted) ? (wanted as Part) : null;
  const Shown = name && parts[name];
  useDetailTitle(name && text.names[name]);
  return (
    <div class="page">
      <header class="page-head"><h1 tabIndex={-1}>{text.title}</h1></header>
      <div class="settings">
        <nav class="settings-parts" aria-label={text.sections}>
          {groups.map((group) => (
            <div key={group}>
              <h2 class="truncate" title={group === "project" ? project.name : undefined}>{group === "project" ? text.groups.project(project.name) : text.groups[group]}</h2>
              <ul>
                {(Object.keys(PARTS[group]) as Part[]).map((part) => (
                  <li key={part}><a href={hrefOf(pathOf("settings", part))} aria-current={part === name ? "page" : undefined}>{text.names[part]}</a></li>
                ))}
              </ul>
            </div>
          ))}
        </nav>
        <div class="stack settings-part">
          {Shown ? <Shown key={name} project={project} /> : <Empty title={text.unknown} />}
        </div>
      </div>
    </div>
  );
}
