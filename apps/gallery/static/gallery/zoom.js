// Two fingers, a double tap or a wheel make a picture larger; one finger moves it about or, while it has its own size,
// swipes to the next one.

const MOST = 6; // times its own size
const SWIPE = 60; // px
const TWICE = 300; // ms between two taps

/** @param stage takes the gestures @param image is shown in it @param step called with 1 or -1 @param close called */
export function zoomable(stage, image, step, close) {
  const fingers = new Map(); // pointer → where it is
  let [scale, x, y] = [1, 0, 0];
  let start = null; // of a gesture: where it began, and how the picture was
  let tapped = 0;

  function draw() {
    const { clientWidth: width, clientHeight: height } = image;
    const room = (size, around) => Math.max(0, (size * scale - around) / 2);
    const clamp = (value, most) => Math.min(most, Math.max(-most, value));
    if (fingers.size !== 1 || scale > 1) {
      [x, y] = [clamp(x, room(width, stage.clientWidth)), clamp(y, room(height, stage.clientHeight))];
    }
    image.style.transform = scale === 1 && !x && !y ? "" : `translate(${x}px, ${y}px) scale(${scale})`;
  }

  /** What is under a point stays there. */
  function zoom(to, at) {
    const box = stage.getBoundingClientRect();
    const [dx, dy] = [at.x - box.left - box.width / 2, at.y - box.top - box.height / 2];
    const next = Math.min(MOST, Math.max(1, to));
    x = dx - ((dx - x) * next) / scale;
    y = dy - ((dy - y) * next) / scale;
    scale = next;
  }

  function reset() {
    fingers.clear();
    [scale, x, y] = [1, 0, 0];
    draw();
  }

  const middle = () => {
    const [one, other = one] = fingers.values();
    return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, span: Math.hypot(one.x - other.x, one.y - other.y) };
  };
  const begin = () => (start = fingers.size ? { ...middle(), scale, left: x, top: y } : null);

  stage.addEventListener("pointerdown", (e) => {
    if (e.pointerType === "mouse" && scale === 1) return;
    stage.setPointerCapture(e.pointerId);
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    begin();
  });
  stage.addEventListener("pointermove", (e) => {
    if (!fingers.has(e.pointerId)) return;
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    const now = middle();
    [scale, x, y] = [start.scale, start.left, start.top];
    if (fingers.size > 1 && start.span) zoom((start.scale * now.span) / start.span, start);
    x += now.x - start.x;
    y += now.y - start.y;
    draw();
  });
  for (const kind of ["pointerup", "pointercancel"]) stage.addEventListener(kind, lifted);

  function lifted(e) {
    if (!fingers.delete(e.pointerId)) return;
    const [across, down] = [e.clientX - start.x, e.clientY - start.y];
    const isAlone = !fingers.size && scale === 1 && start.scale === 1 && e.type === "pointerup";
    const isTap = isAlone && Math.hypot(across, down) < 10;
    if (scale === 1) [x, y] = [0, 0];
    draw();
    begin();
    if (isTap && e.timeStamp - tapped < TWICE) by(2.5, { x: e.clientX, y: e.clientY });
    else if (isAlone && Math.abs(across) > Math.max(SWIPE, Math.abs(down))) {
      step((across < 0 ? 1 : -1) * (stage.matches(":dir(rtl)") ? -1 : 1));
    } else if (isAlone && down > Math.max(2 * SWIPE, Math.abs(across))) close();
    if (isTap) tapped = e.timeStamp;
  }

  /** Larger by a factor; 0 is its own size. */
  function by(factor, at = null) {
    const box = stage.getBoundingClientRect();
    if (factor) zoom(scale * factor, at ?? { x: box.left + box.width / 2, y: box.top + box.height / 2 });
    else [scale, x, y] = [1, 0, 0];
    draw();
  }

  stage.addEventListener("dblclick", (e) => by(scale > 1 ? 0 : 2.5, { x: e.clientX, y: e.clientY }));
  stage.addEventListener("wheel", wheel, { passive: false });

  function wheel(e) {
    e.preventDefault();
    by(Math.exp(-e.deltaY / 300), { x: e.clientX, y: e.clientY });
  }

  return { reset, by };
}
