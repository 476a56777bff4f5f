import { EventType, IncrementalSource, NodeType } from "@rrweb/types";
import { describe, expect, it, vi } from "vitest";
import { pathOfUrl } from "../../model/addresses.ts";
import { cleanCss, cleanEvents } from "./clean.ts";
import { adaptCss, foresee, hasten, type Clock, type Hastened } from "./haste.ts";
import { clock, readMoment } from "./names.ts";
import { afterQuiet } from "./quiet.ts";
import { loadRecording } from "./recording.ts";

type Loose = Record<string, unknown>;

const element = (tagName: string, attributes: Loose = {}, childNodes: Loose[] = []): Loose => ({ type: NodeType.Element, id: 2, tagName, attributes, childNodes });
const whole = (...childNodes: Loose[]): Loose => ({ type: NodeType.Document, id: 1, childNodes });
const picture = (node: Loose, timestamp = 2): Loose => ({ type: EventType.FullSnapshot, timestamp, data: { node, initialOffset: { left: 0, top: 0 } } });
const meta = { type: EventType.Meta, timestamp: 2, data: { href: "x", width: 1e9, height: "5" } };

/** What is left of an element. */
function cleaned(tagName: string, attributes: Loose = {}, childNodes: Loose[] = []): Loose {
  const [event] = cleanEvents([[picture(whole(element(tagName, attributes, childNodes)))]]);
  const { node } = event?.data as { node: { childNodes: Loose[] } };
  return node.childNodes[0] as Loose;
}

describe("what is played", () => {
  it("begins with the first picture and its size, in the order of time", () => {
    const move = { type: EventType.IncrementalSnapshot, timestamp: 1, data: { source: IncrementalSource.Scroll, id: 1, x: 0, y: 0 } };
    const events = cleanEvents([[{ ...move, timestamp: 9 }, meta], [move, picture(whole())]]);
    expect(events.map((event) => [event.type, event.timestamp])).toEqual([[4, 2], [2, 2], [3, 9]]);
  });
  it("is nothing of what is no recording", () => {
    for (const chunk of [null, 7, "x", {}, [null], [[]], [{ type: 2 }], [{ type: 2, timestamp: 1 }], [{ type: 2, timestamp: 1, data: { node: { id: 1, type: 2 } } }], [meta]]) {
      expect(cleanEvents([chunk])).toEqual([]);
    }
  });
  it("has a size that a screen can have", () => {
    const events = cleanEvents([[meta, picture(whole())]]);
    expect(events[0]?.data).toEqual({ href: "", width: 8000, height: 1024 });
  });
  it("has nothing of other sources and types", () => {
    const others = [IncrementalSource.CanvasMutation, IncrementalSource.Font, IncrementalSource.MediaInteraction, IncrementalSource.CustomElement, 99];
    const chunk = [picture(whole()), ...others.map((source) => ({ type: 3, timestamp: 3, data: { source } })), { type: 5, timestamp: 4, data: {} }];
    expect(cleanEvents([chunk])).toHaveLength(1);
  });
  it("ends where elements lie too deep", () => {
    let node = element("b");
    for (let depth = 0; depth < 5000; depth++) node = element("i", {}, [node]);
    expect(JSON.stringify(cleanEvents([[picture(whole(node))]])).split('"i"').length).toBe(401);
  });
});

describe("an element", () => {
  it("runs and loads nothing", () => {
    expect(cleaned("img", { src: "https://x.example/a", srcset: "https://x.example/b 2x", onerror: "x", ONLOAD: "x", alt: "A" })["attributes"]).toEqual({ alt: "A" });
    expect(cleaned("iframe", { src: "javascript:x", srcdoc: "<script>", sandbox: "allow-scripts", title: "T" })["attributes"]).toEqual({ sandbox: "allow-scripts", title: "T" });
    expect(cleaned("link", { rel: "preconnect", href: "https://x.example" })["attributes"]).toEqual({});
    expect(cleaned("meta", { "http-equiv": "refresh", content: "0;url=x" })["attributes"]).toEqual({});
    expect(cleaned("video", { autoplay: true, poster: "https://x.example", rr_mediaState: "played", controls: true })["attributes"]).toEqual({ controls: true });
    for (const tag of ["script", "SCRIPT", "object", "embed", "base", "frame", "applet"]) expect(cleaned(tag)["tagName"]).toBe("noscript");
    expect(cleaned("scr ipt")["tagName"]).toBe("div");
  });
  it("keeps pictures that the recording has in it, and links that look like ones", () => {
    const gif = "data:image/gif;base64,R0lGOD";
    expect(cleaned("img", { src: gif, rr_dataURL: gif })["attributes"]).toEqual({ src: gif, rr_dataURL: gif });
    expect(cleaned("img", { src: "data:text/html,x", rr_dataURL: "https://x.example" })["attributes"]).toEqual({});
    expect(cleaned("a", { href: "javascript:x", class: "c" })["attributes"]).toEqual({ href: "#", class: "c" });
    expect(cleaned("use", { href: "#icon" })["attributes"]).toEqual({ href: "#icon" });
  });
  it("has text as it is, and styles without what they would load", () => {
    const text = { type: NodeType.Text, id: 3, textContent: "url(https://x.example)" };
    expect(cleaned("p", {}, [text])["childNodes"]).toEqual([{ id: 3, type: NodeType.Text, textContent: "url(https://x.example)" }]);
    expect(JSON.stringify(cleaned("style", {}, [text]))).not.toContain("x.example");
  });
});

describe("styles", () => {
  it("lose what they would load", () => {
    const css = "@import 'https://x.example/a'; p { background: url(https://x.example/b), url( 'https://x.example/c' ); color: red } @font-face { src: url(//x.example/d) }";
    expect(cleanCss(css)).not.toContain("x.example");
    expect(cleanCss(css)).toContain("color: red");
  });
  it("keep what is in them", () => {
    const css = "p { background: url(\"data:image/gif;base64,R0\"); fill: url(#a) }";
    expect(cleanCss(css)).toBe(css);
  });
});

describe("a change", () => {
  it("gives the player nothing to keep, and nothing to look for among what it takes away", () => {
    const adds = [{ parentId: 1, previousId: -1, nextId: -1, more: 1, node: element("p") }, { parentId: 1, nextId: 2, node: element("p") }];
    const chunk = [picture(whole()), { type: 3, timestamp: 3, data: { source: 0, adds, removes: [{ id: 2, parentId: 1 }], texts: [], attributes: [] } }];
    const { adds: left, removes } = cleanEvents([chunk])[1]?.data as { adds: Loose[]; removes: Loose[] };
    expect(left.map(({ node, ...rest }) => rest)).toEqual([{ parentId: 1, nextId: null }, { parentId: 1, nextId: 2 }]);
    expect(removes.filter(() => true)).toHaveLength(1);
    expect(removes.filter(() => true).find(() => true)).toBeUndefined();
  });
});

describe("styles that nothing closes", () => {
  const long = 100_000;
  it.each([
    [`url(${" ".repeat(long)}`, "url(data:,)"],
    ["url( ".repeat(long), "url(data:,)"],
    ["@font-face{ ".repeat(long), ""],
    [`@font-face {${"url(".repeat(long)}`, ""],
    ["@import ".repeat(long), ""],
    [`url("'${"x".repeat(long)}`, "url(data:,)"],
  ])("are read once", (css, left) => expect(cleanCss(css)).toBe(left));
});

describe("the player", () => {
  it("does what is due in its order, until it is stopped", () => {
    const frames = vi.fn();
    vi.stubGlobal("requestAnimationFrame", frames);
    const done: number[] = [];
    const actions = Array.from({ length: 100_000 }, (_, at) => ({ delay: at < 99_000 ? 0 : 1e9, doAction: () => done.push(at) }));
    const timer: Clock = { actions, timeOffset: 0, lastTimestamp: performance.now(), speed: 1, raf: 1, rafCheck: () => undefined };
    hasten(timer);
    (actions[50_500] as Clock["actions"][number]).doAction = () => (timer.raf = null);
    timer.rafCheck();
    expect([done.length, done.at(-1), frames.mock.calls.length]).toEqual([50_500, 50_499, 0]); // those that were taken off with it are given up, as the list is
    timer.raf = 2;
    timer.rafCheck();
    expect([done.length, done.at(-1), frames.mock.calls.length, actions.length]).toEqual([98_500, 98_999, 1, 1000]);
    vi.unstubAllGlobals();
  });
  it("knows where a quiet stretch begins without looking for the end of it", () => {
    const move = (timestamp: number, timeOffset: number): never => ({ type: EventType.IncrementalSnapshot, timestamp, data: { source: IncrementalSource.MouseMove, positions: [{ timeOffset }] } }) as never;
    const player = { timer: { speed: 1 }, nextUserInteractionEvent: null, applyIncremental: vi.fn() } as unknown as Hastened;
    foresee(player, [move(1000, 0), move(30_000, -500), move(41_000, -3000), move(90_000, 0)]);
    const isLookedFor = (at: number): boolean => (player.applyIncremental(move(at, 0)), player.nextUserInteractionEvent === null);
    expect([0, 1000, 25_000, 30_000, 41_000, 90_000].map(isLookedFor)).toEqual([false, true, false, false, true, false]);
    player.nextUserInteractionEvent = meta;
    expect(player.nextUserInteractionEvent).toBe(meta);
  });
  it("has styles for what is under the pointer, and for a screen as large as the frame", () => {
    const css = "a:hover b, .x\\:hover:hover::before { } a:hover-not { } @media (max-device-width: 9px) { }";
    expect(adaptCss(css)).toBe("a:is(:hover,.\\:hover) b, .x\\:hover:is(:hover,.\\:hover)::before { } a:hover-not { } @media (max-width: 9px) { }");
  });
});

describe("a chunk", () => {
  it("comes from the server where the app came from, or from the bucket, whatever that is called", async () => {
    const urls = ["http://within:8000/api/v1/objects/recordings/p/s/chunk_000000.json?sig=1", "https://s3.example/api/recordings/p/s/chunk_000001.json?sig=2"];
    const asked: string[] = [];
    vi.stubGlobal("fetch", (url: string) => {
      asked.push(url);
      const chunks = urls.map((each, index) => ({ index, size: 2, url: each }));
      return Promise.resolve(Response.json(url.endsWith("/recording") ? { chunks } : []));
    });
    await loadRecording("p", "s", new AbortController().signal, () => undefined);
    vi.unstubAllGlobals();
    expect(asked).toEqual(["/api/v1/projects/p/sessions/s/recording", "/api/v1/objects/recordings/p/s/chunk_000000.json?sig=1", urls[1]]);
  });
});

describe("places and names", () => {
  it("are said as people read them", () => {
    expect([0, 65_000, 3_665_999].map(clock)).toEqual(["0:00", "1:05", "1:01:05"]);
    expect(["https://a.example/b?c=1#d", "https://a.example", "about:blank", null].map(pathOfUrl)).toEqual(["/b?c=1", "/", "about:blank", null]);
  });
  it("are read from addresses that may hold anything", () => {
    expect(["12", "1.5", "-1", "1e9", "", "<b>", null].map(readMoment)).toEqual([12_000, 1500, null, null, null, null, null]);
  });
});

describe("quiet stretches", () => {
  const done = (source: number, timestamp: number): never => ({ type: EventType.IncrementalSnapshot, timestamp, data: { source } }) as never;
  const recording = [meta as never, done(IncrementalSource.MouseMove, 1002), done(IncrementalSource.Mutation, 30_002), done(IncrementalSource.Input, 60_002), done(IncrementalSource.Mutation, 90_002)];
  it("are passed over from wherever one begins, to a second before something is done", () => {
    expect([0, 1000, 45_000, 55_000, 60_000, 89_000].map((atMs) => afterQuiet(recording, atMs))).toEqual([0, 59_000, 59_000, 55_000, 89_000, 89_000]);
    expect(afterQuiet([], 5)).toBe(5);
  });
});
