// What this browser remembers between visits: a few choices, never anything of the data. Without storage nothing is remembered.

const PREFIX = "sv.";

export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // private windows and full disks: the choice holds until the page is closed
  }
}
