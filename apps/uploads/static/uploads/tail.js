// Whether a file is still the one that the server has the beginning of.

/** Compares the bytes before `offset`. Insecure pages can't hash, and take the server's word. */
export async function hasTail(file, { offset, length, digest }) {
  if (!length || !crypto.subtle) return true;
  const bytes = await file.slice(offset - length, offset).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("") === digest;
}
