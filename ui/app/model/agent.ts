// A User-Agent as people say it: "Firefox on Linux". For the logins that are shown to whose they are; events are looked at by the server.
import { account as text } from "../text/settings.ts";

/** The first that is named is meant: most browsers name those that they are made of, or are like, as well. */
const BROWSERS: readonly [name: string, sign: RegExp][] = [
  ["Edge", /\bEdg(?:e|A|iOS)?\//],
  ["Opera", /\bOP(?:R|T|X)\/|\bOpera\b/],
  ["Samsung Internet", /\bSamsungBrowser\//],
  ["Vivaldi", /\bVivaldi\//],
  ["Yandex Browser", /\bYaBrowser\//],
  ["DuckDuckGo", /\b(?:DuckDuckGo|Ddg)\//],
  ["Firefox", /\b(?:Firefox|FxiOS|Focus|Klar)\//],
  ["Chrome", /\b(?:Headless)?Chrom(?:e|ium)\/|\bCriOS\//],
  ["Safari", /\bSafari\//],
];
const SYSTEMS: readonly [name: string, sign: RegExp][] = [
  ["iOS", /\b(?:iPhone|iPad|iPod)\b/],
  ["Android", /\bAndroid\b/],
  ["ChromeOS", /\bCrOS\b/],
  ["Windows", /\bWindows\b/],
  ["macOS", /\bMac(?:intosh| OS X)\b/],
  ["Linux", /\bLinux\b|\bX11\b/],
];

/** What doesn't say that it is a browser is a program, by the name that it begins with. */
export function agentLabel(userAgent: string): string {
  const nameIn = (known: typeof BROWSERS): string | undefined => known.find(([, sign]) => sign.test(userAgent))?.[0];
  if (!/^(?:Mozilla|Opera)\//.test(userAgent)) return /^[\w.+-]{1,40}(?=[/\s]|$)/.exec(userAgent)?.[0] ?? text.agent.unknown;
  return text.agent.on(nameIn(BROWSERS), nameIn(SYSTEMS));
}
