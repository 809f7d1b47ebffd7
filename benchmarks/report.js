// A click on a column's button sorts the measured rows of its table; published ones stay beneath, cells without a number last.
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const body = head.closest("table").tBodies[0];
    const column = [...head.parentNode.children].indexOf(head);
    const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const compare = (a, b) => {
      const [x, y] = [a, b].map((row) => row.cells[column]?.dataset.value ?? "");
      if (x === "" || y === "") return (x === "") - (y === "");
      return sign * (column ? x - y : x.localeCompare(y));
    };
    const rows = [...body.rows].filter((row) => !row.classList.contains("published"));
    const first = body.querySelector(".published");
    for (const row of rows.sort(compare)) body.insertBefore(row, first);
  });
}
// A table that is wider than its frame says so above it, and its edge is marked as long as there is more to the right.
for (const frame of document.querySelectorAll(".scroll")) {
  const mark = () => {
    frame.previousElementSibling.hidden = frame.scrollWidth <= frame.clientWidth + 1;
    frame.classList.toggle("cut", frame.scrollLeft + frame.clientWidth < frame.scrollWidth - 1);
  };
  frame.addEventListener("scroll", mark);
  new ResizeObserver(mark).observe(frame);
  mark();
}
