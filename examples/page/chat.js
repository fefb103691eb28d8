/** A transcript that grows: one list, the last answer written on while it comes. */
export default {
  render({ model, el }) {
    const list = document.createElement("ol");
    list.setAttribute("role", "log");
    list.setAttribute("aria-label", "Transcript");
    el.append(list);
    const draw = () => {
      const turns = model.get("turns");
      const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
      while (list.children.length > turns.length) list.lastChild.remove();
      for (const [i, { role, content }] of turns.entries()) {
        const item = list.children[i] ?? list.appendChild(document.createElement("li"));
        item.className = role;
        if (item.textContent !== content) item.textContent = content;
      }
      if (atEnd) list.scrollTop = list.scrollHeight;
    };
    model.on("change:turns", draw);
    draw();
  },
};
