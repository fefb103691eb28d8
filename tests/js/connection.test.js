import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Connection } from "../../js/connection.js";
import { Model } from "../../js/model.js";

/** A socket whose other end is the test. */
class Socket {
  /** @type {Socket[]} */
  static all = [];
  readyState = 0;
  bufferedAmount = 0;
  /** @type {any[]} */
  sent = [];
  /** @type {any} */
  onopen = null;
  /** @type {any} */
  onmessage = null;
  /** @type {any} */
  onclose = null;

  /** @param {string} url @param {string} protocol */
  constructor(url, protocol) {
    Object.assign(this, { url, protocol });
    Socket.all.push(this);
  }

  static get last() {
    return /** @type {Socket} */ (Socket.all.at(-1));
  }

  /** @param {string} data */
  send(data) {
    assert.equal(this.readyState, 1, "sent on a socket that is not open");
    this.sent.push(data === "" ? data : JSON.parse(data));
  }

  close(code = 1005) {
    this.readyState = 3;
    this.sent.push(`closed ${code}`);
  }

  open() {
    this.readyState = 1;
    this.onopen?.();
    return this;
  }

  /** @param {any} frame */
  receive(frame) {
    this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
    return this;
  }

  hello(more = {}) {
    return this.receive({ type: "hello", version: 1, epoch: "e", rev: 1, full: true, state: {}, seq: 0, heartbeat: 1000, ...more });
  }

  /** @param {number} code */
  closedByHost(code, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

/** A window with a clock that the test turns. */
class Page extends EventTarget {
  WebSocket = /** @type {any} */ (Socket);
  Math = { random: () => this.random };
  performance = { now: () => this.time };
  document = { visibilityState: "visible" };
  random = 1;
  time = 1;
  /** @type {Map<object, { at: number, run: () => void }>} */
  timers = new Map();

  /** @param {() => void} run @param {number} ms */
  setTimeout = (run, ms) => {
    const timer = {};
    this.timers.set(timer, { at: this.time + ms, run });
    return timer;
  };

  /** @param {object} timer */
  clearTimeout = (timer) => void this.timers.delete(timer);

  /** @param {number} ms */
  pass(ms) {
    const end = this.time + ms;
    for (;;) {
      const [next] = [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (!next) break;
      this.timers.delete(next[0]);
      this.time = Math.max(this.time, next[1].at);
      next[1].run();
    }
    this.time = end;
  }

  /** @param {string} event */
  fire(event) {
    this.dispatchEvent(new Event(event));
  }
}

let page = new Page();
let model = new Model("s");
/** @type {any[]} */
let log = [];
/** @type {Connection} */
let connection;

beforeEach(() => {
  Socket.all = [];
  page = new Page();
  model = new Model("s");
  log = [];
  connection = new Connection("ws://host/ws", model, {
    frame: (frame) => model.receive(frame),
    state: (state) => log.push(state),
    sending: ({ loaded, total, done }) => log.push(`${loaded} of ${total}${done ? ", done" : ""}`),
    closed: (reason) => log.push([reason]),
  }, page);
});

// Sockets that are opening count among all connections of a page, and the next test begins with none.
afterEach(() => {
  connection.close();
  page.pass(60_000);
});

const live = () => Socket.last.open().hello();
/** @param {any} state */
const save = (state) => (model.set(state), model.save());
const attempts = () => Socket.all.length;

test("opens with the subprotocol, says hello, and is live with the host's hello", () => {
  assert.deepEqual({ .../** @type {any} */ (Socket.last) }.protocol, "anywidget-host.v1");
  Socket.last.open();
  assert.deepEqual([Socket.last.sent, log], [[{ type: "hello", version: 1, session: "s", fetches: true }], []]);
  Socket.last.hello();
  assert.deepEqual(log, ["live"]);
});

test("nothing but hello goes before the host's hello; then what waited goes", () => {
  save({ a: 1 });
  Socket.last.open();
  save({ a: 2 });
  assert.equal(Socket.last.sent.length, 1);
  Socket.last.hello();
  assert.deepEqual(Socket.last.sent.slice(1), [{ type: "set", seq: 1, state: { a: 2 } }]);
});

test("a heartbeat is answered with one, and nothing is sent unasked", () => {
  live();
  page.pass(500);
  assert.equal(Socket.last.sent.length, 1);
  Socket.last.receive("");
  assert.deepEqual(Socket.last.sent.slice(1), [""]);
});

test("2.5 heartbeats of silence are a dead socket: it is given up and opened anew", () => {
  live();
  page.pass(2400);
  Socket.last.receive("");
  page.pass(2400);
  assert.equal(attempts(), 1);
  page.pass(101);
  assert.deepEqual(log, ["live", "offline"]);
  page.pass(250);
  assert.equal(attempts(), 2);
});

test("an attempt that does not open in 15 s has failed", () => {
  page.pass(15_000);
  assert.deepEqual(log, ["offline"]);
  page.pass(250);
  assert.equal(attempts(), 2);
});

test("waits between attempts are random below a limit that doubles from 250 ms to 15 s", () => {
  const waits = [];
  for (let i = 0; i < 9; i++) {
    Socket.last.closedByHost(1006);
    const before = page.time;
    const count = attempts();
    while (attempts() === count) page.pass(1);
    waits.push(page.time - before);
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
  page.random = 0.25;
  Socket.last.closedByHost(1006);
  page.pass(3749);
  assert.equal(attempts(), 10);
  page.pass(1);
  assert.equal(attempts(), 11);
});

test("a connection that held 5 s starts the limit anew, a shorter one does not", () => {
  for (const held of [0, 6000]) {
    for (let i = 0; i < 3; i++) {
      Socket.last.closedByHost(1006);
      page.pass(15_000);
    }
    live().receive({ type: "hello", version: 1, epoch: "e", rev: 1, full: true, state: {}, heartbeat: 60_000 });
    for (let i = 0; i < held; i += 1000) (page.pass(1000), Socket.last.receive(""));
    Socket.last.closedByHost(1006);
    const count = attempts();
    page.pass(250);
    assert.equal(attempts() - count, held ? 1 : 0);
    page.pass(15_000);
  }
});

for (const code of [1000, 1001, 1006, 1011, 1012, 4001, 4002, 4003]) {
  test(`close code ${code}: comes back`, () => {
    live().closedByHost(code);
    page.pass(250);
    assert.deepEqual([attempts(), log], [2, ["live", "offline"]]);
  });
}

for (const code of [1009, 4400, 4403, 4404, 4408, 4409, 4413, 4429]) {
  test(`close code ${code}: does not come back, and says why`, () => {
    live().closedByHost(code, "because");
    page.fire("online");
    page.pass(60_000);
    assert.deepEqual([attempts(), log], [1, ["live", "offline", ["because"]]]);
  });
}

test("4001 says in its reason how long to stay away", () => {
  live().closedByHost(4001, "7000");
  page.pass(6999);
  assert.equal(attempts(), 1);
  page.pass(1);
  assert.equal(attempts(), 2);
});

test("a host of another version is left for good", () => {
  Socket.last.open().hello({ version: 2 });
  page.pass(60_000);
  assert.equal(attempts(), 1);
  assert.match(log.at(-1)[0], /version/);
});

test("online, pageshow and a tab becoming visible try again at once", () => {
  for (const event of ["online", "pageshow", "visibilitychange"]) {
    const count = attempts();
    Socket.last.closedByHost(1006);
    page.document.visibilityState = "hidden";
    page.fire("visibilitychange");
    assert.equal(attempts(), count);
    page.document.visibilityState = "visible";
    page.fire(event);
    assert.equal(attempts(), count + 1);
    page.fire(event);
    assert.equal(attempts(), count + 1, "one socket at a time");
  }
});

for (const event of ["online", "offline", "visibilitychange"]) {
  test(`${event}: an open socket is asked for a sign of life, and is dead after 5 s without`, () => {
    Socket.last.open().hello({ heartbeat: 60_000 });
    page.fire(event);
    page.fire(event);
    assert.deepEqual(Socket.last.sent.slice(1), [{ type: "set", seq: 1, state: {} }]);
    page.pass(4_999);
    Socket.last.receive({ type: "ack", seq: 1, rev: 1 });
    page.pass(10_000);
    assert.deepEqual([attempts(), log], [1, ["live"]]);
    page.fire(event);
    page.pass(4_999);
    assert.deepEqual(log, ["live"]);
    page.pass(1);
    assert.deepEqual(log, ["live", "offline"]);
    page.pass(250);
    assert.equal(attempts(), 2);
  });
}

test("what is under way already asks for an answer", () => {
  Socket.last.open().hello({ heartbeat: 60_000 });
  save({ a: 1 });
  page.fire("online");
  assert.deepEqual(Socket.last.sent.slice(1), [{ type: "set", seq: 1, state: { a: 1 } }]);
  page.pass(5_000);
  assert.deepEqual(log, ["live", "offline"]);
});

test("a socket that takes more of a large frame lives, though its answer is late", () => {
  Socket.last.open().hello({ heartbeat: 60_000 });
  Socket.last.bufferedAmount = 1_000_000;
  page.fire("online");
  Socket.last.bufferedAmount = 900_000;
  page.pass(5_000);
  assert.deepEqual(log, ["live"]);
  page.fire("online");
  page.pass(5_000);
  assert.deepEqual(log, ["live", "offline"]);
});

test("that a browser has taken a small frame says nothing of the network", () => {
  Socket.last.open().hello({ heartbeat: 60_000 });
  Socket.last.bufferedAmount = 100;
  page.fire("offline");
  Socket.last.bufferedAmount = 0;
  page.pass(5_000);
  assert.deepEqual(log, ["live", "offline"]);
});

test("an attempt that hangs when the network returns is made anew, a young one is not", () => {
  page.pass(2_000);
  page.fire("online");
  assert.equal(attempts(), 1);
  page.pass(1);
  page.fire("pageshow"); // says nothing of the network, and comes with every load
  assert.equal(attempts(), 1);
  page.fire("online");
  assert.equal(attempts(), 2);
  page.fire("online");
  assert.equal(attempts(), 2);
  assert.deepEqual([Socket.all[0]?.open().sent, live().sent.length], [["closed 1000"], 1]);
});

test("pagehide sends what waits without waiting for acks, closes and stays away; pageshow resumes", () => {
  live();
  save({ a: 1 });
  save({ a: 2 });
  page.fire("pagehide");
  assert.deepEqual(Socket.last.sent.slice(1), [{ type: "set", seq: 1, state: { a: 1 } }, { type: "set", seq: 2, state: { a: 2 } }, "closed 1000"]);
  page.pass(60_000);
  page.fire("online");
  assert.deepEqual([attempts(), log], [1, ["live"]]);
  page.fire("pageshow");
  assert.deepEqual([attempts(), log], [2, ["live", "offline"]]);
  Socket.last.open().hello({ seq: 2 });
  assert.deepEqual(Socket.last.sent.slice(1).map(({ seq }) => seq), [1, 2]);
});

test("S5: after a lost socket the next hello tells what we have, and unacknowledged frames go again", () => {
  live();
  save({ a: 1 });
  Socket.last.closedByHost(1006);
  save({ b: 1 });
  page.pass(250);
  live();
  assert.deepEqual(Socket.last.sent, [{ type: "hello", version: 1, session: "s", fetches: true, epoch: "e", rev: 1 }, { type: "set", seq: 1, state: { a: 1 } }]);
  Socket.last.receive({ type: "ack", seq: 1, rev: 2 });
  assert.deepEqual(Socket.last.sent.slice(2), [{ type: "set", seq: 2, state: { b: 1 } }]);
});

test("close sends what waits, and nothing opens or rings afterwards", () => {
  live();
  save({ a: 1 });
  save({ a: 2 });
  connection.close();
  assert.deepEqual(Socket.last.sent.slice(2), [{ type: "set", seq: 2, state: { a: 2 } }, "closed 1000"]);
  for (const event of ["online", "pageshow", "pagehide"]) page.fire(event);
  page.pass(60_000);
  assert.deepEqual([attempts(), page.timers.size, log], [1, 0, ["live", "offline"]]);
});

test("a model let go while the host is away: its last writes get 5 s to be sent", () => {
  live().closedByHost(1006);
  save({ a: 1 });
  connection.close();
  page.pass(250);
  live();
  assert.deepEqual(Socket.last.sent.slice(1), [{ type: "set", seq: 1, state: { a: 1 } }, "closed 1000"]);
  page.pass(60_000);
  assert.deepEqual([attempts(), page.timers.size], [2, 0]);
});

test("after 5 s of absence they are given up", () => {
  save({ a: 1 });
  connection.close();
  page.pass(5000);
  // Not before it opens: that would be an error in the console.
  assert.equal(Socket.last.readyState, 0);
  assert.deepEqual(Socket.last.open().sent, ["closed 1000"]);
  page.pass(60_000);
  assert.deepEqual([attempts(), page.timers.size], [1, 0]);
});

test("a frame that cannot be used drops the socket, and the page comes back", (t) => {
  t.mock.method(console, "error", () => {});
  live().receive("{");
  page.pass(250);
  return new Promise((resolve) => setImmediate(resolve)).then(() => {
    page.pass(250);
    assert.equal(attempts(), 2);
  });
});

test("what an abandoned socket still says is not heard", () => {
  const old = live();
  const { onmessage } = old;
  page.fire("pagehide");
  page.fire("pageshow");
  onmessage({ data: JSON.stringify({ type: "set", base: 1, rev: 2, state: { a: 5 } }) });
  assert.equal(model.get("a"), undefined);
});

test("six sockets of a page open at once, the others when one of them is open or has failed", () => {
  const hooks = { frame() {}, state() {}, sending() {}, closed() {} };
  const more = Array.from({ length: 9 }, () => new Connection("ws://host/ws", new Model("s"), hooks, page));
  assert.equal(attempts(), 6);
  Socket.all[0]?.open();
  assert.equal(attempts(), 7);
  Socket.all[1]?.closedByHost(1006);
  assert.equal(attempts(), 8);
  page.pass(15_000);
  assert.ok(attempts() >= 10, "those that never opened have made room");
  for (const one of more) one.close();
});

test("one that is let go before its turn opens no socket", () => {
  const hooks = { frame() {}, state() {}, sending() {}, closed() {} };
  const more = Array.from({ length: 6 }, () => new Connection("ws://host/ws", new Model("s"), hooks, page));
  more.at(-1)?.close();
  Socket.all[0]?.open();
  assert.equal(attempts(), 6);
  for (const one of more) one.close();
});
