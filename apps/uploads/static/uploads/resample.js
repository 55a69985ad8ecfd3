// A picture in fewer pixels. Runs in a worker; on the page, where no worker can draw. Imports nothing.

/**
 * The picture with `most` pixels on its longer side, upright, in sRGB: null if it has no more, or can't be had.
 * @param {Blob} file
 * @param {{ most: number, quality: number }} wish
 * @param {string} type what it is to be
 */
export async function resample(file, { most, quality }, type) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = most / Math.max(picture.width, picture.height);
  try {
    if (!(scale < 1)) return null;
    const canvas = make(...[picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale))));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const made = await encode(canvas, type, quality);
    return made?.type === type && made.size < file.size ? made : null; // some browsers write fewer types than they read
  } finally {
    picture.close();
  }
}

function make(width, height) {
  if (globalThis.OffscreenCanvas) return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}

function encode(canvas, type, quality) {
  if (canvas.convertToBlob) return canvas.convertToBlob({ type, quality });
  return new Promise((resolve) => canvas.toBlob(resolve, type, quality));
}

if (!globalThis.document) {
  onmessage = async ({ data: { file, wish, type } }) => postMessage(await resample(file, wish, type).catch(() => null));
}
