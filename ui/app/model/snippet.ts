// What a site's owner pastes, and what a program sends. The snippet is the one of docs/browser-client.md.

export function snippetOf(origin: string, scriptPath: string, token: string): string {
  return `<script>
  (function (w, d) {
    if (w.sessionvision && w.sessionvision.init) return;
    var sv = (w.sessionvision = { q: [] });
    "init capture identify reset register registerOnce getDistinctId getSessionId flush optOut optIn hasOptedOut".split(" ").forEach(function (name) {
      sv[name] = function () {
        sv.q.push([name, arguments, Date.now()]);
      };
    });
    var s = d.createElement("script");
    s.async = true;
    s.src = ${literal(origin + scriptPath)};
    d.head.appendChild(s);
  })(window, document);
  sessionvision.init(${literal(token)}, { ingestHost: ${literal(origin)} });
</script>`;
}

/** Within a script: no text ends it. */
const literal = (text: string): string => JSON.stringify(text).replaceAll("<", "\\u003c");

export function sendCommand(origin: string, token: string): string {
  const body = { projectToken: token, events: [{ event: "hello", userId: "me" }] };
  return `curl '${origin}/api/v1/ingest/events' \\\n  -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(body)}'`;
}

/** What `sv` takes an API token from. */
export const TOKEN_VARIABLE = "SV_API_TOKEN";

/** By way of the server, which keeps its data folder to itself while it runs. */
export const importCommand = (origin: string, projectId: string): string => `sv import events.csv --project ${projectId} --url ${origin}`;
