/**
 * The one script of a page with widgets: defines `<any-widget>`. Every fragment may bring it, a page runs it once.
 *
 * It names each module that is always needed, so that browsers fetch them together and not one after the other.
 */
import "./codec.js";
import "./model.js";
import "./connection.js";
import "./styles.js";
import "./host.js";
import "./widget.js";
import { AnyWidget } from "./element.js";

customElements.get("any-widget") ?? customElements.define("any-widget", AnyWidget);
