// JSON whose whole numbers keep all their digits. Other programs have ids of 64 bits, and the server compares them to the last digit; a
// number of the browser's holds 53 bits.

/** A whole number beyond these: it counts as the nearest of them, and is shown, written and sent as it came. */
export class Exact extends Number {
  readonly digits: string;

  constructor(digits: string) {
    super(digits);
    this.digits = digits;
  }

  override toString(): string {
    return this.digits;
  }

  toJSON(): unknown {
    const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };
    return rawJSON ? rawJSON(this.digits) : Number(this);
  }
}

export const isNumeric = (value: unknown): value is number => typeof value === "number" || value instanceof Exact;

const MAY_BE_LONG = /[[:,]\s*-?\d{16}/;
const WHOLE = /^-?\d+$/;

/** Browsers that don't tell a number's digits have the nearest number. */
function kept(_: string, value: unknown, { source }: { source?: string } = {}): unknown {
  return typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined && WHOLE.test(source) ? new Exact(source) : value;
}

export const parseJson = (text: string): unknown => JSON.parse(text, MAY_BE_LONG.test(text) ? kept : undefined) as unknown;

/** What a part of an address says; undefined where it is no JSON: addresses are typed, cut off and sent about. */
function readPart(written: string): unknown {
  try {
    return parseJson(written);
  } catch {
    return undefined;
  }
}

/** The list that a part of an address says, or null. */
export function readList(written: string): unknown[] | null {
  const found = readPart(written);
  return Array.isArray(found) ? (found as unknown[]) : null;
}

/** The object that a part of an address says, or null. */
export function readObject(written: string): Record<string, unknown> | null {
  const found = readPart(written);
  return typeof found === "object" && found !== null && !Array.isArray(found) ? (found as Record<string, unknown>) : null;
}

/** A text that says something, or null. */
export const textOr = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** What was typed as a number; null where it is none. */
export function readNumber(typed: string): number | null {
  const value = typed.trim() === "" ? NaN : Number(typed);
  if (!Number.isFinite(value)) return null;
  return WHOLE.test(typed.trim()) && !Number.isSafeInteger(value) ? (new Exact(String(BigInt(typed.trim()))) as unknown as number) : value;
}
