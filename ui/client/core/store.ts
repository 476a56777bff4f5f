// What is kept between pages. In localStorage where there is one that works, else in memory: then a page is all that is remembered.

const PREFIX = "sessionvision_";
const memory: Record<string, string | undefined> = {};

/** The text under a key, "" where there is none. */
export function read(key: string): string {
  const held = memory[key];
  if (held !== undefined) return held;
  try {
    return localStorage.getItem(PREFIX + key) ?? "";
  } catch {
    return ""; // no storage here: a sandboxed frame, or a visitor who forbids it
  }
}

/** Keep a text; "" takes the key away. */
export function write(key: string, text: string): void {
  delete memory[key];
  try {
    if (text) localStorage.setItem(PREFIX + key, text);
    else localStorage.removeItem(PREFIX + key);
  } catch {
    memory[key] = text; // none, or a full one
  }
}

/** The JSON object under a key, undefined where there is none or something else is: pages can write there too. */
export function readJson<T extends object>(key: string): Partial<T> | undefined {
  try {
    const found: unknown = JSON.parse(read(key));
    return isObject(found) ? (found as T) : undefined;
  } catch {
    return undefined;
  }
}

/** As JSON. SCAR: pages with an old library (Prototype.js) have lists say what they are themselves, and that made each a text. */
export function toJson(value: unknown): string {
  const lists = Array.prototype as { toJSON?: unknown };
  const own = lists.toJSON;
  if (own) delete lists.toJSON;
  try {
    return JSON.stringify(value);
  } finally {
    if (own) lists.toJSON = own;
  }
}

export function isObject(found: unknown): found is object {
  return Object(found) === found && !Array.isArray(found);
}

export function writeJson(key: string, value: unknown): void {
  write(key, toJson(value));
}
