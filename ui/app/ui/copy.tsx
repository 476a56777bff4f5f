import type { JSX } from "preact";
import { text } from "../text/en.ts";
import { Button } from "./button.tsx";
import { toast } from "./toasts.tsx";

export async function copy(what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(what);
    toast(text.copy.copied);
  } catch {
    toast(text.copy.failed); // no HTTPS, or the browser asked and was told no
  }
}

/** Something to paste elsewhere, with a button that copies it. */
export function CodeBox({ code, label }: { code: string; label: string }): JSX.Element {
  return (
    <div class="code-box">
      <pre class="code" tabIndex={0} role="region" aria-label={label}><code>{code}</code></pre>
      <Button isSmall icon="copy" onClick={() => void copy(code)}>{text.copy.label}</Button>
    </div>
  );
}

/** Hand a file that was made here to the browser's downloads. */
export function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
