/**
 * A view as a control of a form: what it posts, and whether the form may be sent. Loaded with the first view that has a
 * name, is required or stands in a form.
 *
 * @import { Session } from "./session.js"
 * @import { Posted } from "./types.js"
 * @import { View } from "./widget.js"
 */
import { bytesOf, isBytes, snapshot } from "./codec.js";

export class Control {
  /** What is posted under the name. @type {Posted[]} */
  values = [];

  #element;
  #internals;
  #target;
  /** @type {Session | undefined} */
  #session;
  /** @type {View | undefined} */
  #view;
  /** The first value that the view had, for a reset. @type {{ key: string, value: any } | undefined} */
  #initial;
  /** The user was told that it is invalid. */
  #told = false;
  #observer = new MutationObserver(() => this.#separate());

  /** @param {HTMLElement} element @param {ElementInternals} internals @param {() => HTMLElement | undefined} target what gets the focus when it is invalid */
  constructor(element, internals, target) {
    this.#element = element;
    this.#internals = internals;
    this.#target = target;
    internals.role = "group";
    // Told just before the browser points at something, and the widget may have changed until then.
    element.addEventListener("invalid", () => {
      this.#told = true;
      this.judge();
    });
  }

  /** Follows a model from now on, or none. @param {Session} [session] @param {View} [view] */
  use(session, view) {
    if (session !== this.#session) {
      this.#initial = undefined;
      this.#told = false;
    }
    this.#session?.controls.delete(this);
    this.#session = session;
    this.#view = view;
    session?.controls.add(this);
    this.#observer.disconnect();
    if (view) this.#observer.observe(view.el, { childList: true, subtree: true });
    this.follow();
  }

  get #key() {
    return this.#element.getAttribute("key");
  }

  /** Takes over what the model has. @param {string[]} [keys] that changed */
  follow(keys) {
    const key = this.#key;
    const name = this.#element.getAttribute("name");
    if (key !== null && keys && !keys.includes(key)) return;
    this.values = this.#read(key);
    const data = new FormData();
    for (const value of this.values) data.append(name ?? "", value);
    this.#internals.setFormValue(name && this.values.length ? data : null);
    this.#separate();
    this.judge();
  }

  /** @param {string | null} key */
  #read(key) {
    const session = this.#session;
    if (!session || session.over) return [];
    const { model } = session;
    if (key !== null) {
      const value = model.peek(key);
      if (this.#initial?.key !== key && value !== undefined) this.#initial = { key, value };
      return posted(value, key);
    }
    const all = model.keys();
    return all.length ? [plainJSON(Object.fromEntries(all.map((key) => [key, model.peek(key)])))] : [];
  }

  /** Says what is wrong with it, if anything is. */
  judge() {
    const element = this.#element;
    const internals = this.#internals;
    const refusals = this.#session?.model.refusals ?? new Map();
    const key = this.#key;
    const required = element.hasAttribute("required");
    const missing = required && this.values.every((value) => value === "" || (typeof value === "object" && !value.size));
    const reason = key === null ? Array.from(refusals, ([key, reason]) => `${key}: ${reason}`)[0] : refusals.get(key);
    if (reason ?? missing) internals.setValidity({ customError: !!reason, valueMissing: missing }, reason ?? missingMessage(), this.#told ? this.#target() : undefined);
    else internals.setValidity({});
    if (internals.validity.valid) this.#told = false;
    element.ariaInvalid = reason || this.#told ? "true" : null;
    internals.ariaRequired = String(required);
  }

  /** Puts the key back to what it was when the view came. */
  reset() {
    const session = this.#session;
    const key = this.#key;
    const initial = this.#initial;
    this.#told = false;
    if (key !== null) session?.model.refusals.delete(key);
    if (session && !session.over && initial && initial.key === key && session.writable(key)) {
      session.model.set({ [key]: snapshot(initial.value, key) }, this.#view?.by);
      session.model.save();
    }
    this.judge();
  }

  /**
   * What a widget puts into the page is its own business: its fields are not posted, its buttons do not send the form, and
   * the enter key in another field presses none of them. Fields of the server stand until the view is there for them.
   */
  #separate() {
    if (!this.#view?.drawn && !this.values.length) return;
    for (const inner of [...(this.#internals.form?.elements ?? [])]) {
      if (inner !== this.#element && this.#element.contains(inner)) inner.setAttribute("form", "");
    }
  }
}

/** In the words and the language of the browser. */
const missingMessage = () => Object.assign(document.createElement("input"), { required: true }).validationMessage;

/** A value as what a form has for it: one or several texts and files, or nothing. @param {any} value @param {string} name for files @returns {Posted[]} */
export function posted(value, name) {
  if (value === null || value === undefined) return [];
  if (isBytes(value)) return [new File([bytesOf(value)], name, { type: "application/octet-stream" })];
  if (typeof value !== "object") return [String(value)];
  const isPlain = (/** @type {any} */ one) => one !== null && (typeof one !== "object" || isBytes(one));
  return Array.isArray(value) && value.every(isPlain) ? value.flatMap((one) => posted(one, name)) : [plainJSON(value)];
}

/** What travels as JSON for readers without MessagePack, as the host's `state` route writes it. @param {any} value @returns {string} */
export function plainJSON(value) {
  if (isBytes(value)) return `{"$bytes":"${base64(bytesOf(value))}"}`;
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return `{"$number":"${value}"}`;
  if (typeof value !== "object" || !value) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(plainJSON)}]`;
  return `{${Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${plainJSON(inner)}`)}}`;
}

/** In pieces, for which a call has room. @param {Uint8Array} bytes */
function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 1 << 13) text += String.fromCharCode(...bytes.subarray(at, at + (1 << 13)));
  return btoa(text);
}
