/** A card made with React: numbers, lists, nested state and bytes, each shown and each changed by a button. */
import { createRender, useModelState } from "@anywidget/react";
import { lazy, Suspense, useEffect, useState } from "react";
import "./widget.css";

const Details = lazy(() => import("./details.jsx"));

function Card() {
  const [count, setCount] = useModelState("count");
  const [tags, setTags] = useModelState("tags");
  const [box, setBox] = useModelState("box");
  const [pixels, setPixels] = useModelState("pixels");
  const [own, setOwn] = useState(0);
  const [open, setOpen] = useState(false);

  useEffect(() => {
    window.note?.("mounted");
    return () => window.note?.("unmounted");
  }, []);
  useEffect(() => void window.note?.("box", box.name), [box]);

  return (
    <div className="card">
      <button className="count" onClick={() => setCount((count) => count + 1)}>count is {count}</button>
      <button className="tag" onClick={() => setTags([...tags, `tag ${tags.length}`])}>add a tag</button>
      <ul>{tags.map((tag) => <li key={tag}>{tag}</li>)}</ul>
      <output className="corner">{box.corner.join(", ")}</output>
      <button className="same" onClick={() => setBox({ ...box, corner: [...box.corner] })}>the same box</button>
      <output className="pixels">{pixels.constructor.name} {new Uint8Array(pixels.buffer).join(" ")}</output>
      <button className="reverse" onClick={() => setPixels(new Uint8Array(pixels.buffer).toReversed())}>reverse the pixels</button>
      <button className="own" onClick={() => setOwn(own + 1)}>own {own}</button>
      <button className="more" onClick={() => setOpen(true)}>more</button>
      {open && <Suspense><Details /></Suspense>}
    </div>
  );
}

export default { render: createRender(Card) };
