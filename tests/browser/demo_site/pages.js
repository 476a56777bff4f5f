// What the demo's pages do by themselves: the products page changes without loading.
addEventListener("click", (event) => {
  const { path, query } = event.target.dataset ?? {};
  if (path) {
    history.pushState({}, "", path);
    document.title = event.target.textContent;
    document.getElementById("view").textContent = `You look at the ${event.target.textContent.toLowerCase()}.`;
  }
  if (query) history.replaceState({}, "", query);
});
document.getElementById("letter")?.addEventListener("submit", (event) => event.preventDefault());
