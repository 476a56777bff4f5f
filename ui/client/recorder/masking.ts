// What a recording shows of text: the nearer of the page's two marks counts, then the project's settings. A password never is.
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
