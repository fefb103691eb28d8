/** Morphs onto a live widget in a form, by what the server would send anew and by a snapshot of the page itself: what the element has and what it posts stays. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { way } from "../support/htmx.js";
import { eventually, settle } from "../support/index.js";
import { Stage } from "../support/swaps.js";

const WAYS = {
  "htmx 2 with idiomorph": { scripts: ["htmx.org/dist/htmx.js", "idiomorph/dist/idiomorph-ext.js"], way: way("morph:innerHTML", { tag: 'main hx-ext="morph"', keeps: "element" }) },
  "htmx 4": { scripts: ["htmx4/dist/htmx.js"], way: way("innerMorph", { keeps: "view" }) },
};

for (const [library, { scripts, way }] of Object.entries(WAYS)) {
  for (const shadow of [false, true]) {
    const name = `${library}, ${shadow ? "in a shadow root" : "in the light"}`;
    const keepsView = shadow || way.keeps === "view";

    /** A page with the counter as a field of a form. */
    const begin = async () => {
      const stage = await Stage.set({ scripts, way });
      /** The form, as a server renders it. @param {{ seed?: boolean, disabled?: boolean }} [how] */
      const form = async ({ seed = true, disabled = false } = {}) => {
        const view = await stage.host.view("a", { shadow, attributes: 'id="w" name="qty" key="x" required' });
        const fields = seed ? view : view.replace(/ (epoch|rev)="[^"]*"/g, "");
        return `<form><fieldset ${disabled ? "disabled" : ""}>${fields}</fieldset><input name="plain" value="p"></form>`;
      };
      return { stage, form };
    };

    /** How the element stands in the page and in its form. @param {Stage} stage */
    const standing = (stage) =>
      stage.page.evaluate(() => {
        const element = document.querySelector("any-widget");
        const el = element.shadowRoot?.querySelector("div") ?? element.querySelector("div");
        return {
          attributes: Array.from(element.attributes, ({ name, value }) => `${name}=${value}`).filter((one) => !/^(epoch|rev)=/.test(one)).sort(),
          posted: Array.from(new FormData(element.form), ([key, value]) => `${key}=${value}`),
          fields: Array.from(element.form.elements, (field) => field.localName),
          message: element.validationMessage,
          inert: el?.hasAttribute("inert"),
          texts: Array.from(el?.querySelectorAll(".x") ?? [], (button) => button.textContent),
        };
      });

    /** Morphs, after which the element is the same and stands as before. @param {Stage} stage @param {string} html @param {number} renders so far */
    async function keeps(stage, html, renders) {
      await stage.remember("any-widget");
      const before = await standing(stage);
      await stage.swap(html);
      await eventually(async () => assert.deepEqual(await standing(stage), before));
      assert.ok(await stage.same("any-widget"), "it is the same element");
      assert.equal(await stage.count("a render"), renders);
      assert.equal(await stage.count("a cleanup"), Math.max(renders - 1, 0));
    }

    test(`${name}: the same placeholder again`, async () => {
      const { stage, form } = await begin();
      const old = await form();
      await stage.open(old);
      await stage.shows("1");
      await stage.clicks("a", 2);
      await eventually(async () => {
        const { attributes, posted, fields } = await standing(stage);
        assert.ok(attributes.includes("data-connection=live"), `${attributes}`);
        assert.ok(!attributes.some((one) => one.startsWith("aria-busy")), `${attributes}`);
        assert.deepEqual([posted, fields], [["qty=2", "plain=p"], ["fieldset", "any-widget", "input"]]);
      });
      await keeps(stage, await form(), keepsView ? 1 : 2);
      await keeps(stage, old, keepsView ? 1 : 3);
      await stage.clicks("a", 3);
      assert.deepEqual((await standing(stage)).posted, ["qty=3", "plain=p"]);
      assert.equal(stage.wire.opened, 1);
    });

    test(`${name}: a snapshot of itself`, async () => {
      const { stage, form } = await begin();
      await stage.open(await form());
      await stage.clicks("a", 2);
      await stage.page.waitForSelector("any-widget[data-connection=live]");
      await eventually(async () => assert.deepEqual((await standing(stage)).posted, ["qty=2", "plain=p"]));
      const snapshot = await stage.page.evaluate(() => document.querySelector("form").outerHTML);
      assert.match(snapshot, /data-connection="live"/);
      await keeps(stage, snapshot, 1);
      await stage.clicks("a", 3);
      assert.deepEqual((await standing(stage)).posted, ["qty=3", "plain=p"]);
    });

    test(`${name}: the same placeholder again, while the first has not loaded`, async () => {
      const { stage, form } = await begin();
      stage.wire.hold("down");
      await stage.open(await form({ seed: false }));
      await stage.page.waitForSelector("any-widget[aria-busy=true]", { state: "attached" });
      await eventually(async () => assert.deepEqual([(await standing(stage)).posted, (await standing(stage)).message !== ""], [["plain=p"], true]));
      await keeps(stage, await form({ seed: false }), 0);
      assert.ok((await standing(stage)).attributes.includes("aria-busy=true"));
      stage.wire.release("down");
      await stage.shows("1");
      await eventually(async () => assert.equal(await stage.page.locator("any-widget").getAttribute("aria-busy"), null));
      await stage.noted("a initialize", "a render 0 1");
      await stage.clicks("a", 2);
      await eventually(async () => assert.deepEqual((await standing(stage)).posted, ["qty=2", "plain=p"]));
    });

    test(`${name}: the same placeholder again, after a refusal: it is still invalid, with its reason`, async () => {
      const { stage, form } = await begin();
      stage.wire.intercept = (frame, id) => {
        if (frame.type !== "set") return false;
        stage.wire.inject(id, { type: "ack", seq: frame.seq, rev: 0, refused: { x: "at most 1" }, state: { x: 1 } });
        return true;
      };
      const page = await stage.open(await form());
      await stage.shows("1");
      await page.waitForSelector("any-widget[data-connection=live]");
      await page.locator(".x").click();
      await eventually(async () => assert.equal((await standing(stage)).message, "at most 1"));
      await stage.shows("1");
      assert.ok((await standing(stage)).attributes.includes("aria-invalid=true"));
      await keeps(stage, await form(), keepsView ? 1 : 2);
    });

    test(`${name}: the same placeholder in a fieldset that is disabled now, and then is not`, async () => {
      const { stage, form } = await begin();
      await stage.open(await form());
      await stage.clicks("a", 2);
      await stage.remember("any-widget");
      for (const disabled of [true, false]) {
        await stage.put(await form({ disabled }));
        await eventually(async () => {
          const { inert, posted } = await standing(stage);
          assert.deepEqual({ inert, posted }, { inert: disabled, posted: disabled ? ["plain=p"] : ["qty=2", "plain=p"] });
        });
        await settle(stage.page);
        assert.equal((await standing(stage)).inert, disabled);
      }
      assert.ok(await stage.same("any-widget"));
      await stage.clicks("a", 3);
    });
  }
}
