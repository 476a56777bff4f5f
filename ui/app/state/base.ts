// Below which path of its host the server is, "" where it has the host to itself, and where others reach it. The server writes both into the page.
const said = (name: string): string | undefined =>
  (typeof document === "undefined" ? null : document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`))?.content;

export const BASE = said("sv-base") ?? "";

/** The server's address, as callers have to write it: its setting, for who looks at the app may have come another way. */
export const here = (): string => said("sv-public") || location.origin + BASE;
