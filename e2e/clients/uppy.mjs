// Uppy with its tus plug-in as a program: node uppy.mjs <endpoint> <file> <chunk size, 0 for one PATCH>
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";

const [endpoint, path, chunkSize] = process.argv.slice(2);
const bytes = readFileSync(path);
const data = Object.assign(bytes, { size: bytes.length }); // for Uppy a Blob, for tus-js-client in Node a Buffer
const uppy = new Uppy({ logger: { debug() {}, warn: console.error, error: console.error } });
uppy.use(Tus, {
  endpoint,
  chunkSize: Number(chunkSize) || Infinity,
  retryDelays: [0, 200, ...Array(60).fill(1000)], // ms: a server may take its time to start again
  allowedMetaFields: ["name", "type"],
});
uppy.addFile({ name: basename(path), type: "application/octet-stream", data });
const result = await uppy.upload();
if (result.failed.length) {
  console.error(`failed: ${result.failed[0].error}`);
  process.exit(1);
}
console.log(result.successful[0].uploadURL);
process.exit(0);
