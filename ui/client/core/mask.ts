// What nobody should find in captured text: addresses, and anything with as many digits as phone, card and social-security numbers have.

// Bounded, as addresses are (RFC 5321): a long text without a blank would be gone through from each of its places.
const EMAIL = /[^\s@<>()[\]"',;:]{1,64}@[^\s@<>()[\]"',;:]{1,255}\.[a-z]{2,}/gi;
const NUMBER = /\+?\(?\d(?:[ ().\-/\u00a0\u2010-\u2014]{0,3}\d){8,}/g;

export function mask(text: string): string {
  return text.replace(EMAIL, "***").replace(NUMBER, "***");
}

const MARKED = "[data-sessionvision-mask],[data-sessionvision-unmask]";

/** Whether the page says that what is in this element is hidden (true) or shown (false), undefined where it says nothing. The nearest mark
 * counts, also from within a shadow tree or a frame of the same site. */
export function markOf(element: Element | null): boolean | undefined {
  for (let at = element; at; at = hostOf(at) ?? at.ownerDocument.defaultView?.frameElement ?? null) {
    const marked = at.closest(MARKED);
    if (marked) return marked.hasAttribute("data-sessionvision-mask");
  }
  return undefined;
}

/** The element whose shadow tree this one is in. SCAR: a link that was taken out of the page is the root of its own tree, and has a `host`: a name. */
export function hostOf(element: Element): Element | null {
  const root = element.getRootNode();
  return root.nodeType === Node.DOCUMENT_FRAGMENT_NODE ? ((root as Partial<ShadowRoot>).host ?? null) : null;
}
