// The twin of messages.py, where each is described.

// To the server
export const register = ({ ref, slot, file, path }, holder) => ({
  type: "upload_register",
  slot,
  ref,
  name: file.name,
  size: file.size,
  mime: file.type,
  path,
  holder,
});
export const resume = ({ ref, slot, file, id, written }, holder) => ({
  type: "upload_resume",
  slot,
  ref,
  upload_id: id,
  offset: written,
  size: file.size,
  holder,
});
export const cancel = (ref) => ({ type: "upload_cancel", ref });
