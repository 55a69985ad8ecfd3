// @tus/server with its FileStore, as its documentation has it: node tus_server.mjs PORT FOLDER

import http from "node:http";

import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const [port, directory] = process.argv.slice(2);
const tus = new Server({ path: "/tus", datastore: new FileStore({ directory }) });

http
  .createServer((request, response) => (request.url === "/" ? response.end() : tus.handle(request, response)))
  .listen(Number(port), "127.0.0.1");
