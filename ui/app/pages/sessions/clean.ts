// What of a recording is played. A recording is whatever somebody sent. The frame that it is played in runs nothing and asks nobody, whatever
// is put into it (sv/web/replay_door.py); this takes out beforehand what would be refused there, and what the player could stumble over.
import { EventType, IncrementalSource, NodeType, type eventWithTime } from "@rrweb/types";

type Loose = Record<string, unknown>;

const PLAYED = new Set<unknown>([EventType.DomContentLoaded, EventType.Load, EventType.FullSnapshot, EventType.IncrementalSnapshot, EventType.Meta]);
const SOURCES = new Set<unknown>([
  IncrementalSource.Mutation, IncrementalSource.MouseMove, IncrementalSource.MouseInteraction, IncrementalSource.Scroll,
  IncrementalSource.ViewportResize, IncrementalSource.Input, IncrementalSource.TouchMove, IncrementalSource.StyleSheetRule,
  IncrementalSource.StyleDeclaration, IncrementalSource.Drag, IncrementalSource.Selection, IncrementalSource.AdoptedStyleSheet,
]);
/** Deeper elements are left out: nobody builds such pages, and both this and the player call themselves for each level. */
const DEEPEST = 400;
const MOST_PIXELS = 8000;
const TAG = /^[a-z][a-z0-9._-]*$/i;
const NAME = /^[a-z_:@][\w:.@-]*$/i;
const NEVER = /^(?:script|object|embed|applet|portal|frame|frameset|base|noscript|param)$/i;
const LEFT_OUT = /^(?:on.*|srcdoc|srcset|imagesrcset|ping|http-equiv|formaction|action|background|manifest|data|poster|autofocus|autoplay|nonce|rr_media.*|is)$/i;
const LINKS = /^(?:href|xlink:href|src)$/i;
/** Elements whose ids and names are properties of their form or page, before its own ones; "" is any. */
const NAMED = /^(?:button|fieldset|form|iframe|img|input|output|select|textarea)?$/;
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon|svg\+xml)[;,]/i;

const isObject = (value: unknown): value is Loose => typeof value === "object" && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const listOf = (value: unknown): Loose[] => (Array.isArray(value) ? value.filter(isObject) : []);
const pixels = (value: unknown): number => (isNumber(value) ? Math.min(Math.max(Math.round(value), 1), MOST_PIXELS) : 1024);

/** The events of chunks that can be played, in the order of their times, from the first picture on. */
export function cleanEvents(chunks: readonly unknown[]): eventWithTime[] {
  const events = cleanMore(chunks);
  const first = events.findIndex((event) => event.type === EventType.FullSnapshot);
  if (first < 0) return [];
  const isSized = first > 0 && events[first - 1]?.type === EventType.Meta;
  return events.slice(isSized ? first - 1 : first);
}

/** Those of chunks that follow others. */
export function cleanMore(chunks: readonly unknown[]): eventWithTime[] {
  return chunks
    .flatMap((chunk) => (Array.isArray(chunk) ? (chunk as unknown[]) : []))
    .map(cleanEvent)
    .filter((event) => event !== null)
    .sort((one, other) => one.timestamp - other.timestamp);
}

function cleanEvent(given: unknown): eventWithTime | null {
  if (!isObject(given) || !PLAYED.has(given["type"]) || !isNumber(given["timestamp"]) || given["timestamp"] <= 0) return null;
  const { type, timestamp } = given;
  const data = isObject(given["data"]) ? given["data"] : {};
  const event = (cleaned: Loose): eventWithTime => ({ type, timestamp, data: cleaned }) as unknown as eventWithTime;
  if (type === EventType.Meta) return event({ href: "", width: pixels(data["width"]), height: pixels(data["height"]) });
  if (type === EventType.FullSnapshot) {
    const node = cleanNode(data["node"], 0, "");
    const offset = isObject(data["initialOffset"]) ? data["initialOffset"] : {};
    if (node?.["type"] !== NodeType.Document) return null;
    return event({ node, initialOffset: { top: numberOf(offset["top"]), left: numberOf(offset["left"]) } });
  }
  if (type !== EventType.IncrementalSnapshot) return event({});
  const cleaned = cleanChange(data);
  return cleaned && event(cleaned);
}

const numberOf = (value: unknown): number => (isNumber(value) ? value : 0);

function cleanChange(data: Loose): Loose | null {
  const source = data["source"];
  if (!SOURCES.has(source)) return null;
  switch (source) {
    case IncrementalSource.Mutation:
      return {
        source,
        adds: listOf(data["adds"]).map(cleanAdd).filter((add) => add["node"] !== null),
        removes: Removes.from(listOf(data["removes"])),
        texts: listOf(data["texts"]).filter((each) => each["value"] === null || typeof each["value"] === "string"),
        attributes: listOf(data["attributes"]).map((each) => ({ id: each["id"], attributes: cleanAttributes(each["attributes"], "") })),
        ...(data["isAttachIframe"] === true && { isAttachIframe: true }),
      };
    case IncrementalSource.MouseMove:
    case IncrementalSource.TouchMove:
    case IncrementalSource.Drag: {
      const positions = listOf(data["positions"]).filter((each) => ["x", "y", "id", "timeOffset"].every((name) => isNumber(each[name])));
      return positions.length > 0 ? { source, positions } : null;
    }
    case IncrementalSource.ViewportResize:
      return { source, width: pixels(data["width"]), height: pixels(data["height"]) };
    case IncrementalSource.StyleSheetRule:
      return { ...data, ...(data["adds"] !== undefined && { adds: listOf(data["adds"]).map(cleanRule) }), ...texts(data, "replace", "replaceSync") };
    case IncrementalSource.StyleDeclaration:
      return { ...data, ...(isObject(data["set"]) && { set: { ...data["set"], ...texts(data["set"], "value") } }) };
    case IncrementalSource.AdoptedStyleSheet:
      return { ...data, styles: listOf(data["styles"]).map((style) => ({ ...style, rules: listOf(style["rules"]).map(cleanRule) })) };
    case IncrementalSource.Selection:
      return { source, ranges: listOf(data["ranges"]) };
    default: // scrolling, input, what is pressed: figures and texts
      return Object.fromEntries(Object.entries(data).filter(([, value]) => value === null || typeof value !== "object"));
  }
}

/** Without the places that recorders of years ago gave: the player keeps those that it doesn't find, and copies all of them at each change. */
const cleanAdd = ({ parentId, nextId, node }: Loose): Loose => ({ parentId, nextId: nextId === -1 ? null : nextId, node: cleanNode(node, 0, "") });

/** In which nothing is found. The player looks through all of them for each element that isn't there, only to say so nowhere. */
class Removes extends Array<Loose> {
  override find(): undefined {
    return undefined;
  }
}

const cleanRule = (rule: Loose): Loose => ({ ...rule, ...texts(rule, "rule") });

/** These fields, as styles. */
function texts(of: Loose, ...names: string[]): Loose {
  return Object.fromEntries(names.filter((name) => typeof of[name] === "string").map((name) => [name, cleanCss(of[name] as string)]));
}

/** within: the tag of the element around it. */
function cleanNode(given: unknown, depth: number, within: string): Loose | null {
  if (!isObject(given) || !isNumber(given["id"]) || depth > DEEPEST) return null;
  const { id, type } = given;
  const place = { id, ...(isNumber(given["rootId"]) && { rootId: given["rootId"] }), ...(given["isShadow"] === true && { isShadow: true }) };
  const tag = typeof given["tagName"] === "string" ? given["tagName"].toLowerCase() : "";
  const children = (): Loose[] => listOf(given["childNodes"]).map((child) => cleanNode(child, depth + 1, tag)).filter((child) => child !== null);
  switch (type) {
    case NodeType.Document:
      return { ...place, type, childNodes: children().filter((child) => child["type"] !== NodeType.Text) };
    case NodeType.DocumentType:
      return { ...place, type, name: "html", publicId: "", systemId: "" };
    case NodeType.Element:
      return { ...place, ...cleanElement(given), childNodes: children() };
    case NodeType.Text:
    case NodeType.CDATA:
    case NodeType.Comment: {
      const text = typeof given["textContent"] === "string" ? given["textContent"] : "";
      const isStyle = within === "style" || given["isStyle"] === true;
      return { ...place, type: type === NodeType.CDATA ? NodeType.Text : type, textContent: isStyle ? cleanCss(text) : text, ...(isStyle && { isStyle }) };
    }
    default:
      return null;
  }
}

function cleanElement(given: Loose): Loose {
  const named = typeof given["tagName"] === "string" && TAG.test(given["tagName"]) ? given["tagName"] : "div";
  const tagName = NEVER.test(named) ? "noscript" : named;
  return {
    type: NodeType.Element,
    tagName,
    attributes: cleanAttributes(given["attributes"], tagName.toLowerCase()),
    ...(given["isSVG"] === true && { isSVG: true }),
    ...(given["isShadowHost"] === true && { isShadowHost: true }),
  };
}

/** tag: the element's, "" where it isn't known. */
function cleanAttributes(given: unknown, tag: string): Loose {
  const cleaned: Loose = {};
  for (const [name, value] of Object.entries(isObject(given) ? given : {})) {
    if (!NAME.test(name) || LEFT_OUT.test(name)) continue;
    if (tag === "meta" || (tag === "link" && name !== "_cssText")) continue;
    if (name === "style" && isObject(value)) cleaned[name] = cleanDeclarations(value);
    else if (typeof value === "string") {
      const kept = LINKS.test(name) ? cleanLink(value, tag) : name === "style" || name === "_cssText" ? cleanCss(value) : isTaken(name, value, tag) ? `_${value}` : value;
      if (kept !== null && !(name === "rr_dataURL" && !PICTURE.test(kept))) cleaned[name] = kept;
    } else if (value === null || typeof value === "boolean" || isNumber(value)) cleaned[name] = value;
  }
  return cleaned;
}

/**
 * Whether an id or a name would hide a property of a form or a page.
 *
 * SCAR: the player went from an element to its `parentElement`, and from a form with a field of that name to the field and back, for ever.
 */
const isTaken = (name: string, value: string, tag: string): boolean =>
  NAMED.test(tag) && /^(?:id|name)$/i.test(name) && typeof document !== "undefined" && (value in HTMLFormElement.prototype || value in Document.prototype);

/** Styles that a change sets one by one: each a text, or one with its priority, or false where it goes. */
function cleanDeclarations(given: Loose): Loose {
  const one = (value: unknown): string => (typeof value === "string" ? cleanCss(value) : "");
  const all = (value: unknown): unknown => (Array.isArray(value) ? value.map(one) : value === false ? false : one(value));
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, all(value)]));
}

/** A link looks like one and leads nowhere; a picture is one that the recording has in it, or a part of its own page. */
function cleanLink(value: string, tag: string): string | null {
  if (PICTURE.test(value) || /^#[\w:.-]*$/.test(value)) return value;
  return tag === "a" || tag === "area" ? "#" : null;
}

/**
 * Styles without what they would load. Spelled with escapes it is still refused by the frame.
 *
 * SCAR: each expression takes whatever comes, to the end of the text where what it began isn't closed. One that looked for an end and began
 * anew without one stopped the page for hours over some kilobytes.
 */
export function cleanCss(css: string): string {
  return css
    .replace(/@import\b[^;]*;?/gi, "")
    .replace(/@font-face\s*\{[^}]*\}?/gi, (rule) => (/url\(\s*["']?data:/i.test(rule) ? rule : ""))
    .replace(/url\((?:\s*(?:"[^"]*"|'[^']*')\s*\)|[^)]*\)?)/gi, (url) => (/^url\(\s*["']?(?:data:|#)/i.test(url) ? url : "url(data:,)"))
    .replace(/(?:-webkit-)?image-set\(/gi, "none-of(");
}
