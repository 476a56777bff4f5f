// The window's title, which tells tabs, bookmarks and the browser's history apart: what of a page is shown, the page, the project, the product.
import { useEffect } from "preact/hooks";
import { text } from "../text/en.ts";

let shown: string[] = [];
let detail: string | null = null;

function write(): void {
  document.title = [detail, ...shown, text.product].filter(Boolean).join(" · ");
}

/** What the page is called, then whose it is. */
export function useTitle(...names: string[]): void {
  useEffect(() => {
    shown = names;
    write();
  }, names);
}

/** What of a page is shown: a person's name, a dashboard's. In front of the page's own title for as long as it is there. */
export function useDetailTitle(name: string | null): void {
  useEffect(() => {
    detail = name;
    write();
    return () => {
      detail = null;
      write();
    };
  }, [name]);
}
