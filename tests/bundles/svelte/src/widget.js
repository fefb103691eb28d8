/** The module that a host loads: a Svelte component as a widget. */
import { defineWidget } from "@anywidget/svelte";
import Card from "./Card.svelte";

export default defineWidget(Card);
