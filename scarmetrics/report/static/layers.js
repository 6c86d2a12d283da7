// What is drawn on the pictures: contours, measured skin, the alignment's error.
'use strict';

const Layers = (() => {
  if (!Zoom) return null;
  const { viewer } = Zoom;

  const toggle = (name) => {
    const button = document.querySelector(`[data-layer="${name}"]`);
    if (!button) return;
    const on = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(on));
    viewer.classList.toggle(`with-${name}`, on);
    const key = document.querySelector(`.${name}-key`);
    if (key) key.hidden = !on;
    if (name !== 'residual') return;
    for (const image of viewer.querySelectorAll('.residual')) {
      if (on && !image.src) image.src = image.dataset.src; // loaded only when wanted
      image.hidden = !on;
    }
  };
  viewer.classList.add('with-contours');
  for (const button of document.querySelectorAll('[data-layer]')) {
    button.addEventListener('click', () => toggle(button.dataset.layer));
  }

  // A dark line under all contours sets them off light skin.
  for (const group of viewer.querySelectorAll('.contours')) {
    const paths = [...group.querySelectorAll('path')];
    if (!paths.length) continue;
    const under = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    under.setAttribute('class', 'under');
    under.setAttribute('d', paths.map((path) => path.getAttribute('d')).join(''));
    under.setAttribute('aria-hidden', 'true');
    group.prepend(under);
  }
  return { toggle };
})();
