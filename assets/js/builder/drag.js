// Dragging a condition or a group by its handle to another place in the same tree.

export function startDrag(tree, moveTo) {
  let dragged = null;
  let target = null;

  function mark(next) {
    target?.mark?.classList.remove("is-drop-before", "is-drop-after");
    target = next;
    target?.mark?.classList.add(target.isAfter ? "is-drop-after" : "is-drop-before");
  }

  function placeAt(event) {
    const item = event.target.closest("[data-node]");
    if (item && tree.contains(item)) {
      const box = item.getBoundingClientRect();
      const isAfter = event.clientY > box.top + box.height / 2;
      const list = item.parentElement;
      const index = [...list.children].indexOf(item) + (isAfter ? 1 : 0);
      return { groupId: list.dataset.group, index, mark: item, isAfter };
    }
    const empty = event.target.closest("[data-group]");
    return empty ? { groupId: empty.dataset.group, index: 0, mark: null } : null;
  }

  tree.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-drag]")?.dataset.drag ?? null;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    const row = tree.querySelector(`[data-node="${dragged}"]`);
    if (row) event.dataTransfer.setDragImage(row, 12, 12);
  });
  tree.addEventListener("dragover", (event) => {
    if (!dragged) return;
    event.preventDefault();
    mark(placeAt(event));
  });
  tree.addEventListener("dragend", () => {
    mark(null);
    dragged = null;
  });
  tree.addEventListener("drop", (event) => {
    if (!dragged) return;
    event.preventDefault();
    const place = placeAt(event);
    const id = dragged;
    mark(null);
    dragged = null;
    if (place?.groupId) moveTo(id, place.groupId, place.index);
  });
}
