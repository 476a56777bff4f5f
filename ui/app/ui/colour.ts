/** What a colour of the style sheet (`--data-1`) is where the element stands, in the theme on show: for canvases, which know no variables. */
export function colourOf(element: Element, variable: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${variable})`;
  element.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
