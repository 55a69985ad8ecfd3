// Another language, and still the same place: a fragment isn't sent along, and a redirect keeps that of the request.

addEventListener("submit", ({ target }) => {
  const isOurs = Element.prototype.matches.call(target, ".languages"); // other forms may have a field named "matches"
  if (isOurs) target.action = new URL(location.hash, target.action).href;
});
