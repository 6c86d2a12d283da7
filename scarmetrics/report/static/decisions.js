// Decisions of one reader: taken on a half's page, counted and exported on the index.
'use strict';

(() => {
  const id = (name) => document.getElementById(name);
  const body = document.body;
  const halves = JSON.parse(id('halves').textContent);
  const half = body.classList.contains('half-page')
    ? [body.dataset.subject, body.dataset.side] : null;
  const COLUMNS = ['reader', 'subject_id', 'side', 'decision', 'reason', 'decided_at',
    'result_hash'];
  const DONE = { accept: 'accepted', reject: 'rejected', query: 'queried' };
  let wanted = ''; // the decision whose reason is being written

  // Local time with its zone, ISO 8601.
  const now = () => {
    const time = new Date();
    const two = (value) => String(Math.trunc(Math.abs(value))).padStart(2, '0');
    const minutes = -time.getTimezoneOffset();
    const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
    const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
    return `${day}T${clock}${minutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
  };

  // A spreadsheet must take no cell for a formula; the apostrophe is taken off again on import.
  const cell = (text) => {
    const safe = /^['=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };

  const csv = () => {
    const rows = Store.all().map((row) => COLUMNS.map((name) => cell(row[name] ?? '')));
    return '\uFEFF' + [COLUMNS, ...rows].map((row) => row.join(',') + '\r\n').join('');
  };

  const exportFile = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([csv()], { type: 'text/csv;charset=utf-8' }));
    link.download = 'review.csv';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  // --- a half's page ---

  const showReason = (decision) => {
    wanted = decision;
    const saved = Store.decision(...half);
    id('reason-form').hidden = false;
    id('reason-verb').textContent = decision;
    id('reason').value = saved?.decision === decision ? saved.reason : '';
    id('reason-error').textContent = '';
    id('reason').setAttribute('aria-invalid', 'false');
    id('reason').focus();
  };

  const hideReason = () => {
    wanted = '';
    id('reason-form').hidden = true;
  };

  const save = (decision, reason) => {
    const record = { decision, reason, decided_at: now(), result_hash: body.dataset.hash };
    if (Store.decide(...half, record)) hideReason();
    else id('reason-error').textContent = 'The browser could not keep it; free some space.';
    refresh();
  };

  const choose = (decision) => {
    if (!Store.reader) {
      id('reader').focus();
    } else if (decision === 'accept') {
      save('accept', '');
    } else {
      showReason(decision);
    }
  };

  const refreshHalf = () => {
    const saved = Store.reader ? Store.decision(...half) : null;
    id('decide').hidden = !Store.reader;
    for (const button of document.querySelectorAll('button[data-decision]')) {
      button.setAttribute('aria-pressed', String(button.dataset.decision === saved?.decision));
    }
    id('withdraw').hidden = !saved;
    id('decided').textContent = saved ? DONE[saved.decision] : '';
    id('decided').dataset.decision = saved?.decision ?? '';
    const why = saved?.reason ? `: ${saved.reason}` : '';
    id('saved').textContent = saved
      ? `${saved.decision}${why} (${saved.decided_at.slice(0, 16).replace('T', ' ')})` : '';
  };

  const setUpHalf = () => {
    for (const button of document.querySelectorAll('button[data-decision]')) {
      button.addEventListener('click', () => choose(button.dataset.decision));
    }
    id('withdraw').addEventListener('click', () => {
      Store.withdraw(...half);
      hideReason();
      refresh();
      document.querySelector('button[data-decision]').focus();
    });
    id('reason-cancel').addEventListener('click', hideReason);
    id('reason').addEventListener('keydown', (event) => {
      if (event.key === 'Escape') hideReason();
      if (event.key === 'Enter' && !event.shiftKey) {
        event.preventDefault();
        id('reason-form').requestSubmit();
      }
    });
    id('reason-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const reason = id('reason').value.replace(/\s+/g, ' ').trim();
      if (reason) {
        save(wanted, reason);
      } else {
        id('reason').setAttribute('aria-invalid', 'true');
        id('reason-error').textContent = 'A reason is needed.';
        id('reason').focus();
      }
    });
  };

  // --- the index ---

  const refreshIndex = (decided) => {
    const counts = { accept: 0, reject: 0, query: 0 };
    for (const row of document.querySelectorAll('#table tbody tr')) {
      const saved = decided.get(`${row.dataset.subject}\n${row.dataset.side}`);
      row.dataset.decision = saved?.decision ?? 'undecided';
      const shown = row.querySelector('.decision-cell');
      shown.textContent = saved ? saved.decision : '';
      shown.title = saved?.reason ?? '';
      if (saved && saved.decision in counts) counts[saved.decision] += 1;
    }
    const count = counts.accept + counts.reject + counts.query;
    id('progress-count').textContent = count;
    id('progress').value = count;
    id('progress-words').textContent =
      `${counts.accept} accepted, ${counts.reject} rejected, ${counts.query} queried`;
    id('export').disabled = !count;
    document.dispatchEvent(new Event('decisions-changed'));
  };

  // --- both ---

  const refresh = () => {
    const reader = Store.reader;
    id('reader-form').hidden = Boolean(reader);
    id('reader-known').hidden = !reader;
    id('reader-name').textContent = reader;
    const saved = reader ? Store.all() : [];
    const decided = new Map(saved.map((row) => [`${row.subject_id}\n${row.side}`, row]));
    if (half) refreshHalf();
    else refreshIndex(decided);
    const next = id('next-undecided');
    const here = half
      ? halves.findIndex(([subject, side]) => subject === half[0] && side === half[1]) : -1;
    const after = [...halves.slice(here + 1), ...halves.slice(0, Math.max(here, 0))]
      .find(([subject, side]) => !decided.has(`${subject}\n${side}`));
    next.hidden = !reader || !after;
    if (after) next.href = (half ? '' : 'halves/') + encodeURIComponent(after[2]);
  };

  id('storage-warning').hidden = Store.works;
  id('reader-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const name = id('reader').value.replace(/\s+/g, ' ').trim();
    if (!name) return;
    Store.reader = name;
    refresh();
    if (half) document.querySelector('button[data-decision]').focus();
  });
  id('reader-change').addEventListener('click', () => {
    id('reader-form').hidden = false;
    id('reader-known').hidden = true;
    id('reader').value = Store.reader;
    id('reader').focus();
  });
  id('export')?.addEventListener('click', exportFile);
  if (half) setUpHalf();
  refresh();
  window.addEventListener('storage', refresh);
  window.addEventListener('pageshow', (event) => { if (event.persisted) refresh(); });
  window.Decisions = { choose };
})();
