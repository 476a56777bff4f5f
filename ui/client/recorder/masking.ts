// What a recording shows of text: the nearer of the page's two marks counts, then the project's setting. A password never is.

const MARKED = "[data-sessionvision-mask],[data-sessionvision-unmask]";
const SECRET = /password|cc-|one-time-code/;

/** Whether the page says that it is hidden (true) or shown (false); undefined where it says nothing. */
function mark(element: Element | null): boolean | undefined {
  const marked = element?.closest(MARKED);
  return marked ? marked.hasAttribute("data-sessionvision-mask") : undefined;
}

function hidden(text: string): string {
  return text.replace(/\S/g, "*");
}

/** isHidden: the project's setting. */
export function maskInput(text: string, element: HTMLElement | null, isHidden: boolean): string {
  const kind = (element?.getAttribute("type") ?? "").toLowerCase() + " " + (element?.getAttribute("autocomplete") ?? "").toLowerCase();
  const isSecret = SECRET.test(kind) || element?.dataset["rrIsPassword"] === "true";
  return isSecret || (mark(element) ?? isHidden) ? "*".repeat(text.length) : text;
}

export function maskText(text: string, element: HTMLElement | null, isHidden: boolean): string {
  return (mark(element) ?? isHidden) ? hidden(text) : text;
}
