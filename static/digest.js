// A worker: the SHA-256 of a file, or, where that is large, of the SHA-256s of its blocks. (site/home/digests.py)

onmessage = async ({ data: { file, whole, block } }) => {
  try {
    const made = file.size <= whole ? sha256(await file.arrayBuffer()) : ofBlocks(file, block);
    postMessage({ digest: hexadecimal(await made) });
  } catch (error) {
    postMessage({ error: String(error) }); // the file has gone, or has changed
  }
};

async function ofBlocks(file, block) {
  const every = [];
  for (let at = 0; at < file.size; at += block) every.push(await sha256(await file.slice(at, at + block).arrayBuffer()));
  return sha256(await new Blob(every).arrayBuffer());
}

function sha256(bytes) {
  return crypto.subtle.digest("SHA-256", bytes);
}

function hexadecimal(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
