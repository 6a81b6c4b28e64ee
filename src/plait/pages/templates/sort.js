// Tables of class `sortable` sort by a click on a head, or Enter; numbers as numbers, blanks last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const sort = () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.cells[column].textContent.trim();
      const number = (text) => parseFloat(text.replace(/^[<≤] */, "").replace(/,(?=\d{3})/g, ""));
      const rows = [...table.tBodies[0].rows];
      const numeric = rows.every((row) => ["", "–"].includes(value(row)) || !isNaN(number(value(row))));
      const compare = (a, b) => {
        if (["", "–"].includes(a) || ["", "–"].includes(b)) return 0;
        const order = numeric ? number(a) - number(b) : a.localeCompare(b, "en", { numeric: true });
        return up ? order : -order;
      };
      const blank = (row) => Number(["", "–"].includes(value(row)));
      rows.sort((a, b) => blank(a) - blank(b) || compare(value(a), value(b)));
      table.tBodies[0].append(...rows);
    };
    head.tabIndex = 0;
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
}
