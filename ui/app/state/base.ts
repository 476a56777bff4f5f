// Below which path of its host the server is; "" where it has the host to itself. The server writes it into the page.
export const BASE = (typeof document === "undefined" ? null : document.querySelector<HTMLMetaElement>('meta[name="sv-base"]'))?.content ?? "";

/** The server's address, as callers have to write it. */
export const here = (): string => location.origin + BASE;
