// Answers to take away: as the command that asks for them, and as a table for other programs.

/** For a POSIX shell: nothing within means anything to it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export function curlOf(origin: string, path: string, body: unknown): string {
  return [
    `curl ${quoted(origin + path)}`,
    "  -H 'Authorization: Bearer YOUR_API_TOKEN' -H 'Content-Type: application/json'",
    `  -d ${quoted(JSON.stringify(body))}`,
  ].join(" \\\n");
}

export type Cell = string | number | null;

/** RFC 4180. Text that a spreadsheet would take for a formula gets an apostrophe before it: names of events come from anybody. */
export function csvOf(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => row.map(cellText).join(",")).join("\r\n") + "\r\n";
}

function cellText(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell !== "string") return String(cell);
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
