// Opens an emulator of Slack's Web API that we didn't write (npm `emulate`) for as long as standard input is open.
// Use: node --require ./loopback.cjs slack-emulator.cjs SEED
//
// SEED is JSON: what the emulator calls the seed of its service `slack`. One line of JSON is printed when it is open:
// {"url": "http://127.0.0.1:PORT"}. In front of the emulator stands what it lacks:
// - it reads no arguments from the query, and answers most methods to POST only: they are passed on in the body;
// - it can be told of nobody who listens to its events: POST /-/subscribe {"url"} does that, and POST /-/deliveries
//   says for each event how it was answered: [{"event", "status"}];
// - it knows one clock only: POST /-/forward {"seconds"} puts it forward, or back;
// - it shows nobody the views that are open: POST /-/views gives each as it answered it last, by its id.

"use strict";

const http = require("node:http");

const HERE = "127.0.0.1";
const FORM = "application/x-www-form-urlencoded";

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function openOn(server) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, HERE, () => resolve(`http://${HERE}:${server.address().port}`));
  });
}

// The emulator keeps to itself whom it tells of events. Its class is known from an emulator of one's own.
async function withWebhooks({ createEmulator, defineEmulator }, open) {
  let kind;
  const own = defineEmulator({ name: "own", state: () => ({}), setup: ({ webhooks }) => (kind = webhooks.constructor) });
  await (await createEmulator({ service: own, listen: false })).close();
  const original = kind.prototype.setHeaderFactory;
  let found;
  kind.prototype.setHeaderFactory = function (factory) {
    found = this;
    return original.call(this, factory);
  };
  const opened = await open();
  kind.prototype.setHeaderFactory = original;
  return [opened, found];
}

async function passOn(target, request) {
  const asked = new URL(request.url, target);
  const body = await bodyOf(request);
  const headers = { ...request.headers };
  for (const name of ["host", "connection", "content-length", "transfer-encoding", "accept-encoding"]) delete headers[name];
  const isCall = asked.pathname.startsWith("/api/");
  if (!isCall || (headers["content-type"] ?? "").startsWith("application/json")) {
    const sent = ["GET", "HEAD"].includes(request.method) ? undefined : body;
    return fetch(new URL(asked.pathname + asked.search, target), { method: request.method, headers, body: sent });
  }
  const given = new URLSearchParams([...asked.searchParams, ...new URLSearchParams(body.toString())]);
  return fetch(new URL(asked.pathname, target), {
    method: "POST",
    headers: { ...headers, "content-type": FORM },
    body: given.toString(),
  });
}

async function main(seed) {
  const emulate = await import("emulate");
  const state = { target: "", webhooks: null, forward: 0, views: {} };
  const now = Date.now;
  Date.now = () => now() + state.forward;

  const orders = {
    "/-/subscribe": ({ url }) => void state.webhooks.register({ url, events: ["*"], active: true, owner: "slack" }),
    "/-/deliveries": () =>
      state.webhooks.getDeliveries().map(({ event, status_code: status }) => ({ event, status })),
    "/-/forward": ({ seconds }) => void (state.forward += seconds * 1000),
    "/-/views": () => state.views,
  };
  const front = http.createServer(async (request, response) => {
    try {
      const order = orders[request.url];
      if (order) {
        response.end(JSON.stringify(order(JSON.parse(await bodyOf(request))) ?? {}));
        return;
      }
      const answer = await passOn(state.target, request);
      response.statusCode = answer.status;
      response.setHeader("content-type", answer.headers.get("content-type") ?? "text/plain");
      const content = Buffer.from(await answer.arrayBuffer());
      if (request.url.startsWith("/api/views.")) {
        const { view } = JSON.parse(content);
        if (view) state.views[view.id] = view;
      }
      response.end(content);
    } catch (error) {
      console.error(error);
      response.statusCode = 500;
      response.end(String(error));
    }
  });
  const open = () => emulate.createEmulator({ service: "slack", port: 0, seed: { tokens: {}, slack: seed } });
  const [emulator, webhooks] = await withWebhooks(emulate, open);
  state.target = emulator.url.replace("localhost", HERE);
  state.webhooks = webhooks;
  const url = await openOn(front);
  console.log(JSON.stringify({ url }));
  process.stdin.resume().on("end", () => process.exit(0));
}

main(JSON.parse(process.argv[2]));
