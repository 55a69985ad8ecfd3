"""Scrolled, playing and framed elements go on as they are."""

from __future__ import annotations

from e2e.morph.lab import Lab


def test_scroll_positions_are_kept(lab: Lab) -> None:
    rows = "".join(f'<p id="p{i}">{i}</p>' for i in range(99))
    box = '<div id="s" style="height: 90px; overflow: auto; overflow-anchor: none">'
    lab.paint(f"{box}{rows}</div>")
    lab.js("$('#s').scrollTop = 500")
    lab.morph(f"<h1>new</h1>{box}{rows}<p>more</p></div>")
    assert lab.js("$('#s').scrollTop") == 500


PLAY = """async () => {
  // A second of silence as 8 kHz, 8 bit WAV.
  const bytes = new Uint8Array(44 + 8000).fill(128);
  const view = new DataView(bytes.buffer);
  const text = (at, word) => bytes.set([...word].map((char) => char.charCodeAt(0)), at);
  text(0, "RIFF"), text(8, "WAVEfmt "), text(36, "data");
  [[4, 8036], [16, 16], [24, 8000], [28, 8000], [40, 8000]].forEach(([at, value]) => view.setUint32(at, value, true));
  [[20, 1], [22, 1], [32, 1], [34, 8]].forEach(([at, value]) => view.setUint16(at, value, true));
  const audio = $("audio");
  Object.assign(audio, {src: URL.createObjectURL(new Blob([bytes], {type: "audio/wav"})), loop: true, muted: true});
  await audio.play();
}"""


def test_playing_media_plays_on(lab: Lab) -> None:
    lab.paint("<p>1</p><audio></audio>")
    lab.mark("audio")
    lab.js(PLAY)
    lab.morph("<h1>2</h1><p>3</p><audio></audio><i></i>")
    assert lab.same("audio")
    assert lab.js("!$('audio').paused && $('audio').src.startsWith('blob:')")


def test_a_moved_frame_and_moved_media_are_not_reloaded(modern: Lab) -> None:
    modern.paint('<div><iframe id="f" srcdoc="x"></iframe><audio id="a"></audio></div><p></p>')
    modern.js(PLAY)
    modern.js("$('#f').contentWindow.mark = 1")
    modern.morph('<p></p><section><audio id="a"></audio><iframe id="f" srcdoc="x"></iframe></section>')
    assert modern.js("[$('#f').contentWindow.mark, $('#a').paused]") == [1, False]
