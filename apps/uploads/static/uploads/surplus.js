// Refuses what was given in one go to a slot for one file besides that one.

import { Upload } from "./upload.js";

export function refuse(uploads, slot, files) {
  for (const chosen of files) {
    const upload = new Upload(slot, chosen);
    Object.assign(upload, { code: "too_many_files", error: "Only 1 can be uploaded at a time." });
    uploads.uploads.push(upload);
    uploads.become(upload, "error");
  }
}
