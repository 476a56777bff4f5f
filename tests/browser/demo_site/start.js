// The snippet of docs/browser-client.md, as a file of the site's own, since its Content-Security-Policy allows no script in a page.
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
  s.src = "{{server}}/sv.js";
  d.head.appendChild(s);
})(window, document);
sessionvision.init("{{token}}", Object.assign({ ingestHost: "{{server}}" }, {{options}}));
