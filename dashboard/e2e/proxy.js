// A proxy in front of the server, as people have them: below a path, and if wanted one that knows no WebSocket.

import { once } from "node:events";
import http from "node:http";
import { connect } from "node:net";

/**
 * @param {() => string} address of the server, `host:port`
 * @param {{ prefix?: string, upgrades?: boolean }} [options]
 */
export async function startProxy(address, { prefix = "", upgrades = true } = {}) {
  const open = new Set();
  const server = http.createServer((request, response) => {
    if (!request.url?.startsWith(`${prefix}/`)) return void response.writeHead(404).end();
    const [hostname, port] = address().split(":");
    const options = { hostname, port, method: request.method, path: request.url.slice(prefix.length), headers: request.headers };
    const onward = http.request(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.writeHead(502).end());
    request.pipe(onward);
  });
  server.on("upgrade", (request, socket, head) => {
    if (!upgrades || !request.url?.startsWith(`${prefix}/`)) return void socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    const [hostname, port] = address().split(":");
    const onward = connect(Number(port), hostname, () => {
      const headers = request.rawHeaders.reduce((text, part, index) => text + part + (index % 2 === 0 ? ": " : "\r\n"), "");
      onward.write(`GET ${request.url?.slice(prefix.length)} HTTP/1.1\r\n${headers}\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    open.add(onward);
    const end = () => (onward.destroy(), socket.destroy());
    onward.on("error", end).on("close", end);
    socket.on("error", end).on("close", end);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}${prefix}/`,
    end: () => {
      for (const socket of open) socket.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}
