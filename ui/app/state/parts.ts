// Parts of the app that are loaded when they are needed first. One that can't be is of a version from before the server was updated, or the
// network broke off: where the server answers, the whole app is loaded anew, once; else who asked is told.
import { ApiFault } from "../api/client.ts";

const KEY = "sv.loaded-anew";
const ONCE_IN_MS = 60_000;

/** load: a dynamic import. Throws an ApiFault with the status 0 where nothing helps. */
export async function loadPart<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch {
    if ((await isServed()) && isFirstOfLate()) {
      location.reload();
      return new Promise(() => undefined); // this page is about to go
    }
    throw new ApiFault(0, "UNREACHABLE", "");
  }
}

async function isServed(): Promise<boolean> {
  try {
    const response = await fetch(location.href, { cache: "no-store", headers: { accept: "text/html" } });
    await response.text();
    return response.ok;
  } catch {
    return false;
  }
}

/** A part that is missing however often the app is loaded must not have it loaded for ever; without storage that can't be known. */
function isFirstOfLate(): boolean {
  try {
    const atMs = Number(sessionStorage.getItem(KEY) ?? 0);
    sessionStorage.setItem(KEY, String(Date.now()));
    return Math.abs(Date.now() - atMs) > ONCE_IN_MS;
  } catch {
    return false;
  }
}
