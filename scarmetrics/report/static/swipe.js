// The line between the visits: baseline left of it, follow-up right of it.
'use strict';

const Swipe = (() => {
  if (!Zoom) return null;
  const { viewer } = Zoom;
  const slider = document.getElementById('swipe');
  const divider = document.getElementById('divider');
  const later = document.getElementById('pane-follow_up');

  const draw = () => {
    const percent = Number(slider.value);
    const swiping = viewer.dataset.mode === 'swipe';
    later.style.clipPath = swiping ? `inset(0 0 0 ${percent}%)` : '';
    divider.style.left = `${percent}%`;
  };
  const to = (percent) => {
    slider.value = percent;
    draw();
  };
  slider.addEventListener('input', draw);
  document.addEventListener('mode-changed', draw);

  divider.addEventListener('pointerdown', (event) => {
    event.preventDefault();
    divider.setPointerCapture(event.pointerId);
  });
  divider.addEventListener('pointermove', (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const box = viewer.getBoundingClientRect();
    to(Math.min(Math.max(100 * (event.clientX - box.left) / box.width, 0), 100));
  });
  draw();
  return { by: (step) => to(Number(slider.value) + step) };
})();
