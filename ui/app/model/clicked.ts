// What was clicked or sent, as a smart event's rule: the element that the event tells of, by a selector that the server reads
// (docs/smart-events.md). A beginning, which whoever makes the smart event sees the meaning of before it is saved.
import type { Json, SmartRule, SvEvent } from "../api/types.ts";
import { NO_RULE } from "./rules.ts";

const ACTIVE = ["a", "button", "input", "select", "textarea", "label", "summary", "form"];
const MOST_CLASSES = 3;
const MOST_CHARS = 1000;

interface Shown {
  tag: string;
  id?: Json;
  classes?: Json;
  attributes?: Json;
  text?: Json;
}

const isShown = (found: unknown): found is Shown => typeof found === "object" && found !== null && typeof (found as Partial<Shown>).tag === "string";
const idOf = ({ id }: Shown): string => (typeof id === "string" && id !== "" ? `#${escaped(id)}` : "");

/** null: the event tells of no element. */
export function ruleOf({ event, properties }: Pick<SvEvent, "event" | "properties">): SmartRule | null {
  const elements = properties["$elements"];
  const shown: Shown[] = Array.isArray(elements) ? (elements as unknown[]).filter(isShown) : [];
  // A click on a button's picture is meant for the button.
  const place = Math.max(shown.findIndex(({ tag, attributes }) => ACTIVE.includes(tag.toLowerCase()) || Object.hasOwn(Object(attributes) as object, "role")), 0);
  const meant = shown[place];
  if (!meant || meant.tag === "") return null;
  const tag = escaped(meant.tag);
  const id = idOf(meant);
  const around = shown.slice(place + 1).map(idOf).find((each) => each !== "");
  const selector = id !== "" ? tag + id : [around, tag + classesOf(meant)].filter(Boolean).join(" ");
  return {
    ...NO_RULE,
    event,
    selector: selector.length > MOST_CHARS ? tag : selector,
    text: typeof meant.text === "string" && meant.text.trim() !== "" ? meant.text.slice(0, MOST_CHARS) : null,
  };
}

function classesOf({ classes }: Shown): string {
  const names = Array.isArray(classes) ? classes.filter((name): name is string => typeof name === "string" && name !== "") : [];
  return names.slice(0, MOST_CLASSES).map((name) => `.${escaped(name)}`).join("");
}

/** As a name in a selector. */
function escaped(name: string): string {
  return [...name].map((char, at) => {
    if (/[a-z_\u0080-\u{10ffff}]/iu.test(char) || (at > 0 && /[\d-]/.test(char))) return char;
    return /[!-/:-~]/.test(char) ? `\\${char}` : `\\${char.charCodeAt(0).toString(16)} `;
  }).join("");
}
