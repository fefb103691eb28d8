/**
 * The one script of a page with widgets: defines `<any-widget>`. Every fragment may bring it, a page runs it once.
 *
 * It names all modules that are always needed, so that the browser fetches them together and not one after the other.
 */
import "./value.js";
import "./codec.js";
import "./model.js";
import "./connection.js";
import "./styles.js";
import "./notice.js";
import "./hook.js";
import "./host.js";
import "./widget.js";
import "./session.js";
import { AnyWidget } from "./element.js";

// Two hosts in one page bring two loaders; the first to come serves both kinds of elements of its own host.
if (!customElements.get("any-widget")) customElements.define("any-widget", AnyWidget);
