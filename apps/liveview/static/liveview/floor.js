// A classic script, for old browsers too: without the client, the page is as it is without JavaScript.
addEventListener("load", function () {
  if (window.liveview === undefined) document.documentElement.className += " live-failed live-absent";
});
