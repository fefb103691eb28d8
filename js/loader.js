/**
 * Defines `<any-widget>`. It names every module that is always needed: browsers then fetch them together, not one
 * after the other.
 */
import "./codec.js";
import "./model.js";
import "./connection.js";
import "./styles.js";
import "./host.js";
import "./widget.js";
import "./session.js";
import { AnyWidget } from "./element.js";

customElements.get("any-widget") ?? customElements.define("any-widget", AnyWidget);
