// Keeps a Node.js program on this machine. Use: node --require ./loopback.cjs program.js
//
// Servers listen on 127.0.0.1, whatever they asked for. A connection, datagram or look-up that would leave loopback
// fails as it would on a machine without a network, and no other program is started beside it (a browser, say), since
// this guard wouldn't be in that. With LOOPBACK_LOG set, each attempt adds a line to that file.

"use strict";

const childProcess = require("node:child_process");
const dgram = require("node:dgram");
const dns = require("node:dns");
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");
const net = require("node:net");

const HERE = "127.0.0.1";
const ONLY = { 4: new net.BlockList(), 6: new net.BlockList() };
ONLY[4].addSubnet("127.0.0.0", 8, "ipv4");
ONLY[6].addAddress("::1", "ipv6");

function staysHere(host) {
  if (host === undefined || host === null || host === "" || host === "localhost") return true;
  const family = net.isIP(host);
  return family !== 0 && ONLY[family].check(host, `ipv${family}`);
}

function refusal(what, where, code) {
  if (process.env.LOOPBACK_LOG) fs.appendFileSync(process.env.LOOPBACK_LOG, `${what} ${where}\n`);
  return Object.assign(new Error(`${what} ${where}: only this machine may be reached`), { code, syscall: what });
}

function replace(owner, name, guard) {
  const original = owner[name];
  owner[name] = function (...given) {
    return guard.call(this, original, given);
  };
}

// listen(options), listen(port, host, backlog, callback) and every shorter form; a pipe or an open handle is left alone.
replace(net.Server.prototype, "listen", function (original, given) {
  const [first, ...rest] = given;
  if (first !== null && typeof first === "object") {
    const isPort = !("fd" in first || "_handle" in first || first.path || first instanceof net.Server);
    return original.apply(this, isPort ? [{ ...first, host: HERE }, ...rest] : given);
  }
  if (typeof first === "string" && !/^\d+$/.test(first)) return original.apply(this, given);
  const options = { port: Number(typeof first === "function" ? 0 : first ?? 0), host: HERE };
  const backlog = rest.find((each) => typeof each === "number");
  if (backlog !== undefined) options.backlog = backlog;
  return original.call(this, options, ...given.filter((each) => typeof each === "function"));
});

// http, https, http2, tls and fetch all come through here. net.connect() passes on its arguments as one list.
replace(net.Socket.prototype, "connect", function (original, given) {
  const [first, ...rest] = Array.isArray(given[0]) ? given[0] : given;
  const options = first !== null && typeof first === "object" ? first : { port: first, host: rest[0] };
  const isPipe = Boolean(options.path) || (typeof first === "string" && !/^\d+$/.test(first));
  const host = typeof options.host === "function" ? undefined : options.host;
  if (isPipe) return original.apply(this, given);
  if (!staysHere(host)) {
    process.nextTick(() => this.destroy(refusal("connect", host, "ECONNREFUSED")));
    return this;
  }
  // A look-up function of one's own could turn "localhost" into anything.
  if (!options.lookup) return original.apply(this, given);
  const callbacks = rest.filter((each) => typeof each === "function");
  return original.call(this, { ...options, lookup: undefined }, ...callbacks);
});

replace(dgram.Socket.prototype, "bind", function (original, given) {
  const [first] = given;
  const options = first !== null && typeof first === "object" ? first : { port: typeof first === "number" ? first : 0 };
  if ("fd" in options) return original.apply(this, given);
  const address = this.type === "udp6" ? "::1" : HERE;
  return original.call(this, { ...options, address }, ...given.filter((each) => typeof each === "function"));
});

for (const name of ["send", "sendto", "connect"]) {
  replace(dgram.Socket.prototype, name, function (original, given) {
    // The first of send() is the message itself, which may be a string too.
    const address = given.slice(1).find((each) => typeof each === "string");
    if (staysHere(address)) return original.apply(this, given);
    const error = refusal("datagram", address, "ECONNREFUSED");
    const callback = given.find((each) => typeof each === "function");
    process.nextTick(() => (callback ? callback(error) : this.emit("error", error)));
    return undefined;
  });
}

// An address needs no look-up; every other question would go to a name server.
const isQuery = (name) => /^(lookup|lookupService|reverse|resolve\w*)$/.test(name);
const needsNoServer = (name, asked) => name === "lookup" && (staysHere(asked) || net.isIP(asked) !== 0);

for (const owner of [dns, dns.Resolver.prototype]) {
  for (const name of Object.getOwnPropertyNames(owner).filter(isQuery)) {
    replace(owner, name, function (original, given) {
      if (needsNoServer(name, given[0])) return original.apply(this, given);
      const callback = given.findLast((each) => typeof each === "function");
      process.nextTick(callback, refusal("lookup", given[0], "ENOTFOUND"));
      return undefined;
    });
  }
}
for (const owner of [dns.promises, dns.promises.Resolver.prototype]) {
  for (const name of Object.getOwnPropertyNames(owner).filter(isQuery)) {
    replace(owner, name, function (original, given) {
      if (needsNoServer(name, given[0])) return original.apply(this, given);
      return Promise.reject(refusal("lookup", given[0], "ENOTFOUND"));
    });
  }
}

replace(childProcess.ChildProcess.prototype, "spawn", function (_original, [options]) {
  throw refusal("spawn", options.file, "EACCES");
});

syncBuiltinESMExports();
