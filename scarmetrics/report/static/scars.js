// The list of scars and their contours point at each other.
'use strict';

(() => {
  const table = document.getElementById('scars');
  if (!Zoom || !table) return;
  const { viewer } = Zoom;
  const rows = [...table.tBodies[0].rows];
  const paths = (row) => [['baseline', row.dataset.baseline], ['follow_up', row.dataset.followUp]]
    .filter(([, scar]) => scar)
    .flatMap(([visit, scar]) => [...viewer.querySelectorAll(
      `#pane-${visit} [data-scar="${CSS.escape(scar)}"]`)]);

  const select = (row) => {
    for (const marked of document.querySelectorAll('.selected')) {
      marked.classList.remove('selected');
      marked.removeAttribute('aria-current');
    }
    if (!row) return [];
    row.classList.add('selected');
    row.setAttribute('aria-current', 'true');
    const found = paths(row);
    for (const path of found) path.classList.add('selected');
    return found;
  };

  const zoomTo = (found) => {
    if (!found.length) return;
    const boxes = found.map((path) => path.getBBox());
    Zoom.show([
      Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y)),
      Math.max(...boxes.map((box) => box.x + box.width)),
      Math.max(...boxes.map((box) => box.y + box.height)),
    ]);
  };

  for (const row of rows) {
    row.addEventListener('click', () => zoomTo(select(row)));
  }

  viewer.addEventListener('click', (event) => {
    const path = event.target.closest('[data-scar]');
    if (!path) return;
    const name = path.closest('.pane').dataset.visit === 'baseline' ? 'baseline' : 'followUp';
    const row = rows.find((candidate) => candidate.dataset[name] === path.dataset.scar);
    if (!row) return;
    select(row);
    row.scrollIntoView({ block: 'nearest' });
    row.querySelector('button').focus({ preventScroll: true });
  });
})();
