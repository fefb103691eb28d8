/** The module that a host loads: a Vue component as a widget. */
import Card from "./Card.vue";
import { renderWith } from "./bridge.js";

export default { render: renderWith(Card) };
