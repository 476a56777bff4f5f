// An element and those around it, as selectors of smart events read them (docs/smart-events.md). Never what people type.
import { hostOf, markOf, mask } from "./mask.ts";

interface Shown {
  tag: string;
  id?: string;
  classes?: string[];
  attributes?: Record<string, string>;
  text?: string;
  nth_child: number;
  nth_of_type: number;
}

const MOST_ELEMENTS = 40;
const MOST_ATTRIBUTES = 20;
const MOST_CLASSES = 30;
const LONGEST = 200;
/** Of one chain: an event's properties may have 64 KiB. Beyond, elements are named and no more. */
const BUDGET = 12_000;
const LEFT_OUT = /^(?:on.*|style|value|class|id|nonce|integrity|srcdoc|srcset|data-sessionvision-.*)$/;
const TYPED = /^(?:textarea|select|script|style|noscript|template|svg|iframe)$/;

export function parentOf(element: Element): Element | null {
  return element.parentElement ?? hostOf(element);
}

export function chainOf(target: Element): Shown[] {
  const chain: Shown[] = [];
  let left = BUDGET;
  let isShort = true;
  for (let element: Element | null = target; element && chain.length < MOST_ELEMENTS; element = parentOf(element)) {
    const shown: Shown = { tag: element.localName, ...placeOf(element) };
    if (left > 0) {
      const id = element.getAttribute("id");
      const classes = [...element.classList].slice(0, MOST_CLASSES);
      if (id) shown.id = id.slice(0, LONGEST);
      if (classes.length) shown.classes = classes.map((name) => name.slice(0, LONGEST));
      if (!markOf(element)) {
        const attributes = attributesOf(element);
        if (Object.keys(attributes).length) shown.attributes = attributes;
        if (isShort) {
          const text = textOf(element);
          isShort = text.length <= LONGEST;
          if (text && isShort) shown.text = mask(text);
        }
      }
      left -= JSON.stringify(shown).length;
    }
    chain.push(shown);
  }
  return chain;
}

function placeOf(element: Element): { nth_child: number; nth_of_type: number } {
  let child = 1;
  let ofType = 1;
  // A list of ten thousand rows isn't counted through at every click.
  for (let before = element.previousElementSibling; before && child < 1000; before = before.previousElementSibling) {
    child++;
    if (before.localName === element.localName) ofType++;
  }
  return { nth_child: child, nth_of_type: ofType };
}

function attributesOf(element: Element): Record<string, string> {
  const found: Record<string, string> = {};
  const names = element.getAttributeNames().filter((name) => !LEFT_OUT.test(name));
  for (const name of names.slice(0, MOST_ATTRIBUTES)) {
    const value = element.getAttribute(name)!;
    found[name.slice(0, LONGEST)] = value.startsWith("data:") ? "" : mask(value.slice(0, LONGEST));
  }
  return found;
}

/** The text that is seen in an element, its blanks made one; a button's label. One that is too long comes back longer than LONGEST. */
function textOf(element: Element): string {
  const kind = element.getAttribute("type");
  if (element.localName === "input") return /^(?:submit|button|reset)$/.test(kind ?? "") ? clean((element as HTMLInputElement).value) : "";
  return clean(collect(element, ""));
}

function collect(element: Element, text: string): string {
  if (TYPED.test(element.localName) || (element as HTMLElement).isContentEditable) return text;
  for (let node = element.firstChild; node && text.length <= 3 * LONGEST; node = node.nextSibling) {
    if (node.nodeType === 3) text += (node as Text).data;
    else if (node.nodeType === 1 && !(node as Element).hasAttribute("data-sessionvision-mask")) text = collect(node as Element, text);
  }
  return text;
}

function clean(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
