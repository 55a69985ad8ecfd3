// Another language, and still the same place: a fragment isn't sent along, and a redirect keeps that of the request.

document.querySelector(".languages").addEventListener("submit", ({ target }) => {
  target.action = new URL(location.hash, target.action).href;
});
