// Who is logged in, and which of their projects is looked at.
import { batch, computed, signal } from "@preact/signals";
import { ApiFault, ask, get, noteLogin, onLoggedOut, post } from "../api/client.ts";
import type { Me, Project, ProjectRole } from "../api/types.ts";
import { remembered, remember } from "./memory.ts";
import { at, go, place, setParameters } from "./router.ts";

/** undefined: not known yet; null: nobody is logged in. */
export const me = signal<Me | null | undefined>(undefined);

/** The login ended while a page was open. The page stays, with whatever was typed there, under the question for a new one. */
export const hasEnded = signal(false);

/** Why it can't be known: the server doesn't answer. */
export const meFault = signal<ApiFault | null>(null);

export const project = computed<ProjectRole | null>(() => {
  const projects = me.value?.projects ?? [];
  const wanted = new URLSearchParams(place.value.search).get("project");
  if (wanted !== null) return projects.find((each) => each.id === wanted) ?? null;
  const last = remembered("project");
  return projects.find((each) => each.id === last) ?? projects[0] ?? null;
});

/** What may be done in the project: a button that would be refused isn't shown. */
export const mayWrite = computed(() => project.value?.role === "editor" || project.value?.role === "admin");
export const mayAdminister = computed(() => project.value?.role === "admin");

export async function loadMe(): Promise<void> {
  meFault.value = null;
  try {
    take(await get<Me>("/auth/me"));
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    if (me.value) return; // it ended, which was heard of already, or the server is away for a moment: what is known goes on
    if (error.status === 401) me.value = null;
    else meFault.value = error;
  }
}

/** A project that was made or changed here, as who administers it may, is known at once, whether or not it can be asked for now. */
export function keepProject({ id, name, timezone }: Project): void {
  if (!me.value) return;
  const kept: ProjectRole = { id, name, timezone, role: "admin" };
  const { projects } = me.value;
  const isKnown = projects.some((each) => each.id === id);
  me.value = { ...me.value, projects: isKnown ? projects.map((each) => (each.id === id ? kept : each)) : [kept, ...projects] };
}

/** One that was deleted here is nowhere any more; the app goes on in another. */
export function forgetProject(id: string): void {
  batch(() => {
    if (me.value) me.value = { ...me.value, projects: me.value.projects.filter((each) => each.id !== id) };
    go(at("/")); // with its name still in the address there would be no project to show
  });
}

export async function logIn(email: string, password: string): Promise<void> {
  take(await post<Me>("/auth/login", { email, password }));
}

/** Somebody else begins with a page of their own: nothing of one's is shown to another. */
function take(found: Me): void {
  if (me.value && me.value.user.id !== found.user.id) return location.reload();
  if (hasEnded.value || !me.value) noteLogin();
  batch(() => {
    me.value = found;
    hasEnded.value = false;
  });
}

export async function logOut(): Promise<void> {
  try {
    await ask("POST", "/auth/logout");
  } catch (error) {
    if (!(error instanceof ApiFault && error.status === 401)) throw error;
  }
  batch(() => {
    me.value = null;
    hasEnded.value = false;
    go(at("/"));
  });
}

export function chooseProject(id: string): void {
  remember("project", id);
  go(at(`${place.value.path.split("/", 2).join("/")}?${new URLSearchParams({ project: id })}`));
}

/** The address names the project, so that a link means the same to whoever opens it. */
export function nameProjectInAddress(): void {
  const current = project.value;
  if (current && !new URLSearchParams(place.value.search).has("project")) {
    setParameters({ project: current.id }, { replace: true });
  }
  if (current) remember("project", current.id);
}

export function watchLogin(): void {
  onLoggedOut(() => {
    if (me.value) hasEnded.value = true;
    else me.value = null;
  });
  // Maybe there is a new login by now, made in another window, which may stand beside this one.
  const look = (): void => {
    if (hasEnded.value && document.visibilityState === "visible") void loadMe();
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("focus", look);
}
