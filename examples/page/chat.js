/** A transcript that grows: one list, the last answer written on while it comes. */
export default {
  render({ model, el }) {
    el.innerHTML = `<div class="transcript" role="log" aria-label="Transcript" tabindex="0"><ol role="list"></ol></div>`;
    const log = el.firstChild;
    const list = log.firstChild;
    const draw = () => {
      const turns = model.get("turns");
      const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      while (list.children.length > turns.length) list.lastChild.remove();
      for (const [i, { role, content }] of turns.entries()) {
        const item = list.children[i] ?? list.appendChild(document.createElement("li"));
        item.className = role;
        if (item.textContent !== content) item.textContent = content;
      }
      if (atEnd) log.scrollTop = log.scrollHeight;
    };
    model.on("change:turns", draw);
    draw();
  },
};
