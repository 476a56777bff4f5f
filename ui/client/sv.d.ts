/** Session Vision's browser client, as it is at `window.sessionvision`. What answers something answers undefined until the script is there. */

/** Anything that JSON can carry. */
export type Properties = Record<string, unknown>;

export interface SessionVisionOptions {
  /** Where events go, as `https://stats.example.com`; without it, where the script came from. */
  ingestHost?: string;
  /** Where the project's settings for the client come from; without it, `ingestHost`. */
  apiHost?: string;
  /** Say in the console what is captured, sent and ignored. */
  debug?: boolean;
  /** Capture and keep nothing until `optIn()` is called; a visitor's own choice, once made, counts more. */
  optOut?: boolean;
  /** Hide in recordings what is typed (passwords always are). Without it, the project's setting; with neither, true. */
  maskAllInputs?: boolean;
  /** Hide all text in recordings. Without it, the project's setting; with neither, false. */
  maskAllText?: boolean;
  /** Capture page views, clicks, submitted forms and rage clicks. Without it, the project's setting; with neither, true. */
  autocapture?: boolean;
  /** Leave visitors alone whose browser asks for it. Without it, the project's setting; with neither, true. */
  respectDoNotTrack?: boolean;
}

export interface SessionVision {
  /** Start. Calls made before it wait for it; a second one is ignored. */
  init(projectToken: string, options?: SessionVisionOptions): void;
  /** Something happened: a name of 1 to 200 characters, and what is worth knowing about it. */
  capture(event: string, properties?: Properties): void;
  /** From now on events are this user's too. Traits are kept with the person. */
  identify(userId: string, traits?: Properties): void;
  /** Forget who it was (as at a logout): no user id, no registered properties, another anonymous id, another session. */
  reset(): void;
  /** Properties for every event from now on, on this page and later ones. */
  register(properties: Properties): void;
  /** Likewise, but what was given once by this is never changed by it. */
  registerOnce(properties: Properties): void;
  /** The user id, else the anonymous id; "" while nothing may be kept. */
  getDistinctId(): string | undefined;
  /** The session's id, for events that a server sends of the same visit; "" while nothing may be kept. */
  getSessionId(): string | undefined;
  /** Send now what waits to be sent. */
  flush(): void;
  /** The visitor doesn't want to be counted: forget everything, and capture nothing in any tab or on any later page. */
  optOut(): void;
  /** The visitor agrees: start. */
  optIn(): void;
  hasOptedOut(): boolean | undefined;
}

declare global {
  interface Window {
    sessionvision?: SessionVision;
  }
}
