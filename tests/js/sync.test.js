/**
 * Replicas and a tiny host, in every order of events that a network allows: the sync rule as properties.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "../../js/model.js";
import { random } from "./random.js";

const KEYS = ["a", "b", "c"];

/** A host that follows the protocol and nothing else. Numbers divisible by 7 are refused, by 5 are altered. */
class Host {
  epoch = 0;
  rev = 0;
  /** @type {Map<string, { value: number, rev: number }>} */
  slots = new Map(KEYS.map((key) => [key, { value: 0, rev: 0 }]));
  /** @type {Map<string, { seq: number, acks: Map<number, any> }>} */
  sessions = new Map();
  /** Which rev of this epoch a value had. @type {Map<string, number>} */
  history = new Map(KEYS.map((key) => [`${key}=0`, 0]));

  /** @param {number} rev */
  since(rev) {
    return Object.fromEntries([...this.slots].filter(([, slot]) => slot.rev > rev).map(([key, { value }]) => [key, value]));
  }

  /** @param {Record<string, number>} state */
  commit(state) {
    this.rev++;
    for (const [key, value] of Object.entries(state)) {
      this.slots.set(key, { value, rev: this.rev });
      this.history.set(`${key}=${value}`, this.rev);
    }
  }

  /** Forgets sessions, and perhaps the last commits. @param {boolean} lose */
  restart(lose) {
    this.epoch++;
    this.sessions.clear();
    this.history.clear();
    if (lose) for (const key of KEYS) this.slots.set(key, { value: -this.epoch, rev: 0 });
    for (const [key, slot] of this.slots) this.history.set(`${key}=${slot.value}`, (slot.rev = 0));
    this.rev = 0;
  }

  /** @param {Page} page @param {any} frame */
  receive(page, frame) {
    if (frame.type === "hello") {
      const known = this.sessions.get(frame.session);
      const full = frame.epoch !== String(this.epoch) || frame.rev > this.rev;
      this.sessions.set(frame.session, known ?? { seq: 0, acks: new Map() });
      page.cursor = this.rev;
      page.down.push({ type: "hello", version: 1, epoch: String(this.epoch), rev: this.rev, full, state: this.since(full ? -1 : frame.rev), seq: known?.seq ?? null });
    } else if (frame.type === "get") {
      page.cursor = this.rev;
      page.down.push({ type: "hello", version: 1, epoch: String(this.epoch), rev: this.rev, full: true, state: this.since(-1), seq: 0 });
    } else this.apply(page, frame);
  }

  /** @param {Page} page @param {any} frame */
  apply(page, frame) {
    const session = /** @type {{ seq: number, acks: Map<number, any> }} */ (this.sessions.get(page.session));
    const before = session.acks.get(frame.seq);
    if (before) return page.down.push(before);
    assert.ok(frame.seq > session.seq, "numbers of one session come in order");
    /** @type {any} */
    const ack = { type: "ack", seq: frame.seq };
    /** @type {Record<string, number>} */
    const accepted = {};
    for (const [key, value] of Object.entries(frame.state ?? {})) {
      if (value % 7 === 0) (ack.refused ??= {})[key] = "divisible by 7";
      else accepted[key] = value % 5 === 0 ? value + 0.5 : value;
      if (accepted[key] !== value) (ack.state ??= {})[key] = accepted[key] ?? this.slots.get(key)?.value;
    }
    if (frame.type === "message") page.delivered.push(frame.content);
    this.push(page);
    if (Object.keys(accepted).length) this.commit(accepted);
    ack.rev = page.cursor = this.rev;
    session.seq = frame.seq;
    session.acks.set(frame.seq, ack);
    page.down.push(ack);
  }

  /** What a page has not seen, merged. @param {Page} page */
  push(page) {
    if (page.cursor < this.rev) page.down.push({ type: "set", base: page.cursor, rev: this.rev, state: this.since(page.cursor) });
    page.cursor = this.rev;
  }
}

/** A replica with a network of two queues that can break. */
class Page {
  /** @type {any[]} */
  up = [];
  /** @type {any[]} */
  down = [];
  /** @type {unknown[]} */
  delivered = [];
  connected = false;
  greeted = false;
  cursor = 0;
  /** Values that this page wrote. */
  wrote = new Set();
  /** Rev of the newest own write acknowledged, by key, in this epoch. @type {Map<string, number>} */
  acked = new Map();
  epoch = "";

  /** @param {Host} host @param {string} session */
  constructor(host, session) {
    this.host = host;
    this.session = session;
    this.model = new Model(session);
    this.model.report = (phase, error) => assert.equal(phase, "message", String(error));
  }

  connect() {
    if (this.connected) return;
    this.connected = true;
    this.up.push(this.model.hello());
  }

  cut() {
    this.connected = this.greeted = false;
    this.up = [];
    this.down = [];
    this.model.lost();
  }

  pump() {
    if (this.connected) this.up.push(...this.model.drain());
  }

  deliverUp() {
    const frame = this.up.shift();
    if (!frame) return;
    this.greeted = true;
    this.host.receive(this, structuredClone(frame));
  }

  deliverDown() {
    const frame = structuredClone(this.down.shift());
    if (!frame) return;
    if (frame.type === "hello" && frame.epoch !== this.epoch) {
      this.epoch = frame.epoch;
      this.acked.clear();
    }
    this.model.receive(frame);
    if (frame.type === "ack") for (const key of this.writesOf(frame.seq)) if (!frame.refused?.[key]) this.acked.set(key, Math.max(this.acked.get(key) ?? 0, frame.rev));
  }

  /** @type {Map<number, string[]>} */
  written = new Map();

  /** @param {number} seq */
  writesOf(seq) {
    return this.written.get(seq) ?? [];
  }

  check() {
    if (this.epoch !== String(this.host.epoch)) return;
    for (const key of KEYS) {
      const value = this.model.get(key);
      const rev = this.host.history.get(`${key}=${value}`);
      if (rev === undefined) assert.ok(this.wrote.has(value), `${key}=${value} was never written`);
      else assert.ok(rev >= (this.acked.get(key) ?? 0), `${key}=${value} of rev ${rev} is older than the own write of rev ${this.acked.get(key)}`);
    }
  }
}

/** @param {number} seed @param {{ restarts: boolean }} options */
function run(seed, { restarts }) {
  const { int, pick } = random(seed);
  const host = new Host();
  const pages = [new Page(host, "p"), new Page(host, "q"), new Page(host, "r")];
  let next = 1;
  /** @type {((page: Page) => void)[]} */
  const steps = [
    (page) => {
      for (let i = int(3); i >= 0; i--) {
        page.wrote.add(++next);
        page.model.set({ [pick(KEYS)]: next });
      }
      if (int(4)) page.model.save();
    },
    (page) => page.model.send(next++),
    (page) => page.model.save(),
    (page) => page.connect(),
    (page) => page.deliverUp(),
    (page) => page.deliverDown(),
    (page) => page.deliverUp(),
    (page) => page.deliverDown(),
    (page) => page.greeted && host.push(page),
    () => host.commit({ [pick(KEYS)]: ++next + 0.25 }),
    (page) => void (int(5) || page.cut()),
    () => {
      if (!restarts || int(25)) return;
      for (const page of pages) page.cut();
      host.restart(int(2) === 0);
    },
  ];
  const settle = (/** @type {Page} */ page) => {
    for (const frame of page.model.drain()) {
      if (frame.type === "set") page.written.set(frame.seq, Object.keys(frame.state));
      if (page.connected) page.up.push(frame);
    }
    page.check();
  };
  for (let i = 0; i < 150; i++) {
    const page = pick(pages);
    pick(steps)(page);
    pages.forEach(settle);
  }
  for (const page of pages) page.model.save();
  for (let i = 0; i < 100; i++) {
    for (const page of pages) {
      page.connect();
      while (page.up.length) page.deliverUp();
      if (page.greeted) host.push(page);
      while (page.down.length) page.deliverDown();
      settle(page);
    }
  }
  for (const page of pages) {
    for (const key of KEYS) assert.equal(page.model.get(key), host.slots.get(key)?.value, `${page.session}.${key} differs from the host`);
    assert.deepEqual([page.model.drain(true), page.up, page.down], [[], [], []], "nothing is left to send");
    if (!restarts) assert.deepEqual(page.delivered, [...page.delivered].sort((a, b) => Number(a) - Number(b)), "messages arrive in order");
    assert.equal(new Set(page.delivered).size, page.delivered.length, "no message is applied twice");
  }
}

for (const restarts of [false, true]) {
  test(`S5: after quiet all are equal, and nobody shows a value older than the own acknowledged write${restarts ? ", though the host starts new epochs" : ""}`, () => {
    for (let seed = 1; seed <= 1500; seed++) {
      try {
        run(seed, { restarts });
      } catch (error) {
        throw new Error(`seed ${seed}: ${/** @type {Error} */ (error).message}`, { cause: error });
      }
    }
  });
}
