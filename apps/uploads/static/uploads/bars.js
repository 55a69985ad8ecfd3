// Bars that the compositor moves by itself: nothing is laid out or drawn again.

/** @param part 0 to 1 */
export function move(bar, part) {
  const { style } = bar.firstElementChild;
  style.width = "100%"; // whatever the page's own stylesheet says
  style.transformOrigin ||= bar.closest("[dir]")?.dir === "rtl" ? "100% 0" : "0 0";
  style.transform = `scaleX(${part})`;
  bar.ariaValueNow = Math.floor(100 * part);
}
