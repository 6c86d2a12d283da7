// Single keys on a half's page; they can be switched off.
'use strict';

(() => {
  const PAN_PX = 80;
  const SWIPE_STEP = 5;
  const body = document.body;
  const use = document.getElementById('use-keys');
  use.checked = Store.get('keys') !== 'off';
  use.addEventListener('change', () => Store.set('keys', use.checked ? 'on' : 'off'));

  const go = (page) => { if (page) location.href = page; };
  const follow = (link) => { if (!link.hidden) go(link.getAttribute('href')); };
  const mode = (name) => () => Compare?.setMode(name);
  const layer = (name) => () => Layers?.toggle(name);
  const decide = (name) => () => Decisions.choose(name);
  const ACTIONS = {
    ' ': () => Compare?.toggle(),
    1: mode('flicker'), 2: mode('swipe'), 3: mode('side'),
    '+': () => Zoom?.by(1.5), '=': () => Zoom?.by(1.5), '-': () => Zoom?.by(1 / 1.5),
    '−': () => Zoom?.by(1 / 1.5), 0: () => Zoom?.fit(), 9: () => Zoom?.native(),
    ',': () => Swipe?.by(-SWIPE_STEP), '.': () => Swipe?.by(SWIPE_STEP),
    c: layer('contours'), r: layer('skin'), h: layer('residual'),
    a: decide('accept'), x: decide('reject'), q: decide('query'),
    n: () => follow(document.getElementById('next-undecided')),
    ArrowLeft: () => go(body.dataset.previous), ArrowRight: () => go(body.dataset.following),
  };
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  document.addEventListener('keydown', (event) => {
    const at = event.target;
    if (!use.checked || event.ctrlKey || event.altKey || event.metaKey) return;
    if (at.matches('input, textarea, select')) return;
    if (event.key === ' ' && at.closest('button, a, summary')) return; // presses what has focus
    if (event.shiftKey && event.key in MOVES) {
      event.preventDefault();
      Zoom?.move(...MOVES[event.key].map((step) => step * PAN_PX));
      return;
    }
    const action = ACTIONS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  // After a click with the mouse the keys belong to the pictures, so that Space flickers.
  for (const button of document.querySelectorAll('.tools button')) {
    button.addEventListener('click', (event) => {
      if (event.detail) Zoom.viewer.focus({ preventScroll: true });
    });
  }
})();
