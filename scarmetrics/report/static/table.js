// Tables are sorted by the buttons in their header.
'use strict';

(() => {
  const value = (cell, numeric) => {
    const text = cell.dataset.value ?? cell.textContent.trim();
    if (!numeric) return text;
    const number = parseFloat(text.replace('−', '-'));
    return Number.isNaN(number) ? null : number;
  };

  const compare = (a, b, direction) => {
    if (a === null || b === null) return (a === null) - (b === null); // missing comes last
    const order = typeof a === 'number' ? a - b : a.localeCompare(b, 'en', { numeric: true });
    return direction * order;
  };

  const sort = (table, header) => {
    const index = header.cellIndex;
    const numeric = header.dataset.type === 'number';
    const down = header.getAttribute('aria-sort') === 'ascending';
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    header.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [value(row.cells[index], numeric), row]);
    rows.sort(([a], [b]) => compare(a, b, down ? -1 : 1));
    body.append(...rows.map(([, row]) => row));
  };

  for (const table of document.querySelectorAll('table.sortable')) {
    for (const button of table.tHead.querySelectorAll('th button')) {
      button.addEventListener('click', () => sort(table, button.closest('th')));
    }
  }
})();
