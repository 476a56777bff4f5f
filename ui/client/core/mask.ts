// What nobody should find in captured text: addresses, and anything with as many digits as phone, card and social-security numbers have.

const EMAIL = /[^\s@<>()[\]"',;:]+@[^\s@<>()[\]"',;:]+\.[a-z]{2,}/gi;
const NUMBER = /\+?\(?\d(?:[ ().\-/\u00a0\u2010-\u2014]{0,3}\d){8,}/g;

export function mask(text: string): string {
  return text.replace(EMAIL, "***").replace(NUMBER, "***");
}

/** Whether the page asks that what is in this element stays hidden. Of two such marks the nearer one counts. */
export function isMasked(element: Element): boolean {
  const marked = element.closest("[data-sessionvision-mask],[data-sessionvision-unmask]");
  return !!marked?.hasAttribute("data-sessionvision-mask");
}
