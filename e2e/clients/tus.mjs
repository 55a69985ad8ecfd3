// tus-js-client as a program: node tus.mjs <endpoint> <file> <chunk size, 0 for one PATCH>
// Prints the upload's address when it is done, and every error on the way to stderr.
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import * as tus from "tus-js-client";

const [endpoint, path, chunkSize] = process.argv.slice(2);
const upload = new tus.Upload(createReadStream(path), {
  endpoint,
  uploadSize: statSync(path).size,
  chunkSize: Number(chunkSize) || Infinity,
  retryDelays: [0, 200, ...Array(60).fill(1000)], // ms: a server may take its time to start again
  metadata: { filename: basename(path), filetype: "application/octet-stream" },
  onShouldRetry: (error) => {
    console.error(`again: ${error.message}`);
    const status = error.originalResponse?.getStatus() ?? 0;
    return status < 400 || status >= 500 || status === 409 || status === 423;
  },
  onError: (error) => {
    console.error(`failed: ${error.message}`);
    process.exit(1);
  },
  onSuccess: () => console.log(upload.url),
});
upload.start();
