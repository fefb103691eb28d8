/** Loaded when it is asked for: a chunk of its own, which shares React and the model with the card. */
import { useModelState } from "@anywidget/react";
import { useState } from "react";

export default function Details() {
  const [count, setCount] = useModelState("count");
  const [step, setStep] = useState(10);
  return (
    <div className="details">
      <button className="step" onClick={() => setStep(step * 10)}>step is {step}</button>
      <button className="leap" onClick={() => setCount(count + step)}>leap from {count}</button>
    </div>
  );
}
