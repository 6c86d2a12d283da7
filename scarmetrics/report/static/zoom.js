// One zoom and place for both pictures, in the pixels of the view.
'use strict';

const Zoom = (() => {
  const viewer = document.getElementById('viewer');
  if (!viewer) return null;
  const MOST = 16; // screen px for each px of the picture
  const WHOLE_FROM = 3; // from here on each pixel is shown as a square
  const BAR_MM = [0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
  const BAR_MOST_PX = 150;
  const panes = [...viewer.querySelectorAll('.pane')];
  const width = Number(viewer.dataset.width);
  const height = Number(viewer.dataset.height);
  const mmPerPx = Number(viewer.dataset.mmPerPx);
  // zoom 1 fits the picture into its pane; x, y is what lies in its middle
  const place = { zoom: 1, x: width / 2, y: height / 2 };

  const size = () => {
    const pane = panes[0];
    return { width: pane.clientWidth, height: pane.clientHeight };
  };
  const fitScale = () => Math.min(size().width / width, size().height / height) || 1;
  const scale = () => fitScale() * place.zoom;
  const most = () => Math.max(MOST / fitScale(), 1);

  const clamp = (value, whole, shown) => {
    const half = shown / 2;
    return whole <= shown ? whole / 2 : Math.min(Math.max(value, half), whole - half);
  };

  const drawBar = (factor) => {
    if (!mmPerPx) return;
    const pxPerMm = factor / mmPerPx;
    const mm = BAR_MM.filter((length) => length * pxPerMm <= BAR_MOST_PX).pop() ?? BAR_MM[0];
    for (const bar of viewer.querySelectorAll('.scale-bar')) {
      bar.querySelector('.bar').style.width = `${mm * pxPerMm}px`;
      bar.querySelector('.length').textContent = `${mm} mm`;
    }
  };

  const draw = () => {
    place.zoom = Math.min(Math.max(place.zoom, 1), most());
    const factor = scale();
    const pane = size();
    place.x = clamp(place.x, width, pane.width / factor);
    place.y = clamp(place.y, height, pane.height / factor);
    const left = pane.width / 2 - place.x * factor;
    const top = pane.height / 2 - place.y * factor;
    for (const stage of viewer.querySelectorAll('.stage')) {
      stage.style.width = `${width * factor}px`;
      stage.style.height = `${height * factor}px`;
      stage.style.transform = `translate(${left}px, ${top}px)`;
    }
    viewer.classList.toggle('whole-pixels', factor >= WHOLE_FROM);
    document.getElementById('zoom-level').textContent = `${Math.round(100 * factor)} %`;
    drawBar(factor);
  };

  // Zoom by a factor about a point of a pane, its middle if none is given.
  const by = (factor, at = null) => {
    const before = scale();
    place.zoom = Math.min(Math.max(place.zoom * factor, 1), most());
    const after = scale();
    if (at) {
      place.x += at.x / before - at.x / after;
      place.y += at.y / before - at.y / after;
    }
    draw();
  };
  const fit = () => {
    place.zoom = 1;
    draw();
  };
  const native = () => {
    place.zoom = 1 / fitScale();
    draw();
  };
  const move = (dx, dy) => {
    place.x += dx / scale();
    place.y += dy / scale();
    draw();
  };
  // Show a box (x0, y0, x1, y1) of the picture with skin around it.
  const show = (box) => {
    const around = 3;
    const longest = Math.max(box[2] - box[0], box[3] - box[1], 12) * around;
    place.zoom = Math.min(size().width, size().height) / longest / fitScale();
    place.x = (box[0] + box[2]) / 2 + 0.5;
    place.y = (box[1] + box[3]) / 2 + 0.5;
    draw();
  };

  const fromMiddle = (event) => {
    const pane = event.target.closest('.pane') ?? panes[0];
    const box = pane.getBoundingClientRect();
    return { x: event.clientX - box.left - box.width / 2,
      y: event.clientY - box.top - box.height / 2 };
  };
  viewer.addEventListener('wheel', (event) => {
    event.preventDefault();
    const step = event.deltaMode === 1 ? 30 : 1; // lines, in some browsers
    by(Math.exp(-event.deltaY * step * 0.0015), fromMiddle(event));
  }, { passive: false });

  // A press that moves less than this is a click.
  const CLICK_PX = 4;
  let drag = null;
  viewer.addEventListener('pointerdown', (event) => {
    if (event.button || event.target.closest('.divider')) return;
    drag = { x: event.clientX, y: event.clientY, far: false };
  });
  window.addEventListener('pointermove', (event) => {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.far && Math.hypot(dx, dy) < CLICK_PX) return;
    if (!drag.far) viewer.setPointerCapture(event.pointerId);
    viewer.classList.add('dragging');
    drag = { x: event.clientX, y: event.clientY, far: true };
    move(-dx, -dy);
  });
  const stop = () => {
    drag = null;
    viewer.classList.remove('dragging');
  };
  window.addEventListener('pointerup', stop);
  window.addEventListener('pointercancel', stop);
  viewer.addEventListener('dblclick', (event) => by(2, fromMiddle(event)));

  const actions = { in: () => by(1.5), out: () => by(1 / 1.5), fit, native };
  for (const button of document.querySelectorAll('[data-zoom]')) {
    button.addEventListener('click', () => actions[button.dataset.zoom]());
  }
  new ResizeObserver(draw).observe(panes[0]);
  draw();
  return { by, fit, native, move, show, draw, viewer, panes };
})();
