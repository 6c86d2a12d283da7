// How the two visits are compared: one after the other, by swiping, or side by side.
'use strict';

const Compare = (() => {
  if (!Zoom) return null;
  const { viewer } = Zoom;
  const PERIOD_MS = 1000;
  const shownName = document.getElementById('shown-visit');
  const auto = document.getElementById('auto');
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  let timer = 0;

  const showVisit = (visit) => {
    viewer.dataset.shown = visit;
    shownName.textContent = shownName.dataset[visit];
  };
  const toggle = () => {
    if (viewer.dataset.mode !== 'flicker') setMode('flicker');
    showVisit(viewer.dataset.shown === 'baseline' ? 'follow_up' : 'baseline');
  };
  const stopAuto = () => {
    clearInterval(timer);
    timer = 0;
    auto.setAttribute('aria-pressed', 'false');
  };
  const setMode = (mode) => {
    if (mode !== 'flicker') stopAuto();
    viewer.dataset.mode = mode;
    viewer.closest('.pictures').dataset.mode = mode;
    for (const button of document.querySelectorAll('[data-mode][aria-pressed]')) {
      button.setAttribute('aria-pressed', String(button.dataset.mode === mode));
    }
    Zoom.draw();
    document.dispatchEvent(new Event('mode-changed'));
  };

  for (const button of document.querySelectorAll('button[data-mode]')) {
    button.addEventListener('click', () => setMode(button.dataset.mode));
  }
  document.getElementById('toggle-visit').addEventListener('click', () => {
    stopAuto();
    toggle();
  });
  auto.addEventListener('click', () => {
    if (timer) {
      stopAuto();
    } else {
      timer = setInterval(toggle, PERIOD_MS);
      auto.setAttribute('aria-pressed', 'true');
    }
  });
  // nothing moves by itself for those who asked for that
  const respect = () => {
    auto.disabled = calm.matches;
    if (calm.matches) stopAuto();
  };
  calm.addEventListener('change', respect);
  respect();
  setMode('flicker');
  return { toggle: () => { stopAuto(); toggle(); }, setMode };
})();
