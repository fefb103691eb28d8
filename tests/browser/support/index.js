export { afterTest } from "./cleanup.js";
export { connect } from "./client.js";
export { eventually } from "./eventually.js";
export { serve } from "./host.js";
export { errors, expectError, forget, insert, keepLeftPages, noted, notes, OFFLINE, open, refusals, settle, stranger, tap, useWebGL, visitor, warnings } from "./page.js";
export { relay } from "./relay.js";
