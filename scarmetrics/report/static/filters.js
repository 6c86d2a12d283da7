// The table of halves shows those that fit the filters.
'use strict';

(() => {
  const form = document.getElementById('filters');
  if (!form) return;
  const rows = [...document.querySelectorAll('#table tbody tr')];
  const count = document.getElementById('shown-count');
  const none = document.getElementById('none-shown');

  const apply = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const text = wanted.text.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const data = row.dataset;
      const fits = data.subject.toLowerCase().includes(text)
        && (!wanted.side || data.side === wanted.side)
        && (!wanted.status || data.status === wanted.status)
        && (!wanted.flag || data.flags.split(' ').includes(wanted.flag))
        && (!wanted.decision || (data.decision ?? 'undecided') === wanted.decision);
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = shown === rows.length ? `${shown}` : `${shown} of ${rows.length}`;
    none.hidden = shown > 0;
  };

  form.addEventListener('input', apply);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(apply));
  document.addEventListener('decisions-changed', apply);
  for (const button of document.querySelectorAll('[data-set]')) {
    button.addEventListener('click', () => {
      form.elements[button.dataset.set].value = button.dataset.value;
      apply();
      document.getElementById('halves-title').scrollIntoView();
    });
  }
  apply();
})();
