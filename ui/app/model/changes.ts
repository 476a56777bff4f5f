/** What of a form is another than it was when it was drawn or last saved: what others changed meanwhile isn't taken back by it. */
export function changed<T extends object>(now: T, before: Partial<Record<keyof T, unknown>>): Partial<T> {
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== before[name as keyof T])) as Partial<T>;
}
