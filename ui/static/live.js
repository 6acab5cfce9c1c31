// Live pages: what changes is told by server-sent events, as parts of the page by their elements' ids. Without this script
// the page is loaded again every few seconds, or by hand.
(() => {
  "use strict";
  const from = document.body.dataset.live;
  if (!from || !window.EventSource) return;
  const word = document.getElementById("live-word");
  const say = (text) => { if (word) { word.hidden = false; word.textContent = text; } };
  const change = (event) => {
    for (const [id, html] of Object.entries(JSON.parse(event.data))) {
      const el = document.getElementById(id);
      if (el && el.innerHTML !== html) el.innerHTML = html;
    }
  };
  let source;
  const open = () => {
    source = new EventSource(from);
    source.addEventListener("open", () => say("Live"));
    source.addEventListener("change", change);
    source.addEventListener("last", (event) => {
      change(event);
      source.close();
      // What can be done has changed as well. What the page says once is left there for a while.
      setTimeout(() => location.reload(), document.querySelector(".flash") ? 5000 : 0);
    });
    source.addEventListener("error", () => say("Not live: trying again"));
  };
  // A page that nobody sees asks for nothing.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { if (source) source.close(); source = undefined; } else if (!source) open();
  });
  if (!document.hidden) open();
})();
