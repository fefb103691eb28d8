/** Vue on an anywidget model: a key as a deep ref, whose changes are saved and which follows what others write. */
import { createApp, inject, onScopeDispose, ref, toRaw, watch } from "vue";

const MODEL = Symbol("the model of the widget");

export const renderWith = (component) => ({ model, el }) => {
  const app = createApp(component).provide(MODEL, model);
  app.mount(el);
  return () => app.unmount();
};

export function useKey(key) {
  const model = inject(MODEL);
  const value = ref(model.get(key));
  const follow = () => (value.value = model.get(key));
  model.on(`change:${key}`, follow);
  onScopeDispose(() => model.off(`change:${key}`, follow));
  // This sees what `follow` assigns as well, and says it back: only a host to which equal is no change ends that.
  const save = () => {
    model.set(key, toRaw(value.value));
    model.save_changes();
  };
  watch(value, save, { deep: true, flush: "sync" });
  return value;
}
