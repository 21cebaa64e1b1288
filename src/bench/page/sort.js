// Columns are sorted by a button in their head; without scripts the table stays in the order of the matrix.
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const rising = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const numeric = head.classList.contains("number");
      const key = (row) => row.cells[column].dataset.key;
      const rows = [...table.tBodies[0].rows];
      rows.sort((one, other) => {
        const [a, b] = [key(one), key(other)];
        if (a === "" || b === "") return (a === "") - (b === ""); // what was not measured is last either way
        const order = numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
        return rising ? order : -order;
      });
      table.tBodies[0].append(...rows);
    });
  });
}
