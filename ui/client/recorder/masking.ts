// What a recording shows of text: the nearer of the page's two marks counts, then the project's settings. A password never is.
import { EventType, IncrementalSource, NodeType, type eventWithTime, type serializedNodeWithId } from "@rrweb/types";
import { markOf } from "../core/mask.ts";

const SECRET = /password|cc-|one-time-code/;
/** Of inputs whose text is the page's own: labels, and what stands for a choice. */
const NOT_TYPED = /^(?:submit|button|reset|image|checkbox|radio)$/;

function hidden(text: string): string {
  return text.replace(/\S/g, "*");
}

/** isHidden: the project's setting. */
export function maskInput(text: string, element: HTMLElement | null, isHidden: boolean): string {
  const type = (element?.getAttribute("type") ?? "").toLowerCase();
  const isSecret =
    SECRET.test(`${type} ${(element?.getAttribute("autocomplete") ?? "").toLowerCase()}`) || element?.dataset["rrIsPassword"] === "true";
  if (!isSecret && NOT_TYPED.test(type)) return text;
  return isSecret || (markOf(element) ?? isHidden) ? "*".repeat(text.length) : text;
}

/** isHidden, areInputsHidden: the project's settings. What is typed into an element that can be edited is text of the page. */
export function maskText(text: string, element: HTMLElement | null, isHidden: boolean, areInputsHidden: boolean): string {
  return (markOf(element) ?? (isHidden || (areInputsHidden && !!element?.isContentEditable))) ? hidden(text) : text;
}

/** Attributes that are read as text is. */
const TEXT = /^(?:title|alt|placeholder|label|summary|abbr|aria-(?:label|description|placeholder|roledescription|valuetext))$/;
/** Those that say something, too, and are hidden where the page marks their element. */
const TELLING = /^(?:content|data-(?!sessionvision-|rr-).*)$/;

/** Hides attributes in what is recorded, as text is. elementOf: by rrweb's number. isHidden, areInputsHidden: the project's settings. */
export function maskAttributes(event: eventWithTime, elementOf: (id: number) => Node | null, isHidden: boolean, areInputsHidden: boolean): void {
  /** What the settings say of an attribute; undefined of one that is always shown, as what names a picture. */
  const unmarked = (name: string, tag: string): boolean | undefined => {
    if (TEXT.test(name)) return isHidden;
    if (name === "value" && tag.includes("-")) return areInputsHidden; // of an input that a page made itself
    return TELLING.test(name) || (name === "href" && tag === "a") ? false : undefined;
  };
  const hide = (id: number, attributes: Record<string, unknown>): void => {
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "srcdoc") delete attributes[name]; // what is in that frame is recorded itself
      if (typeof value !== "string") continue;
      const element = elementOf(id) as Element | null;
      const isHiddenUnmarked = unmarked(name, element?.localName ?? "");
      if (isHiddenUnmarked !== undefined && (markOf(element) ?? isHiddenUnmarked)) attributes[name] = hidden(value);
    }
  };
  const within = (node: serializedNodeWithId): void => {
    if (node.type === NodeType.Element) hide(node.id, node.attributes);
    if ("childNodes" in node) node.childNodes.forEach(within);
  };
  if (event.type === EventType.FullSnapshot) within(event.data.node);
  else if (event.type === EventType.IncrementalSnapshot && event.data.source === IncrementalSource.Mutation) {
    for (const { node } of event.data.adds) within(node);
    for (const { id, attributes } of event.data.attributes) hide(id, attributes);
  }
}
