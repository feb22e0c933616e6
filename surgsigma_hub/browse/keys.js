document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest('input:not([type="checkbox"]), textarea, select, [contenteditable]');
  if (typing) {
    if (event.key === "Escape") typing.blur();
    return;
  }
  const names = { ArrowLeft: "previous", k: "previous", ArrowRight: "next", j: "next", r: "any" };
  const button = names[event.key] && document.getElementById("ss-" + names[event.key]);
  const box = event.key === "b" && document.querySelector("#ss-overlays input");
  if (button || box) {
    event.preventDefault();
    (button || box).click();
  }
});
