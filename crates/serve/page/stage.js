// The stage on which an image is shown: what is drawn, and zooming and panning by wheel, drag, pinch and keyboard.

const FURTHEST = 16;
const STEP = 1.25;
const OUTLINE = '#50dcff';
const RULER = '#ffe14d';

/**
 * Draws `film` and `heat` (canvases or bitmaps of one shape) and lets a person move about in them. `onTone(dx, dy)` hears of a drag with Shift or the right button,
 * `onMeasure({from, to})` of a line drawn while `measuring`, in shares of the image's sides.
 */
export class Stage {
  #box;
  #canvas;
  #context;
  #scene = null;
  #view = { zoom: 1, x: 0.5, y: 0.5 };
  #pointers = new Map();
  #frame = 0;
  #line = null;
  #measuring = false;
  onTone = () => {};
  onMeasure = () => {};

  constructor(box, canvas) {
    this.#box = box;
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    new ResizeObserver(() => this.#resize()).observe(box);
    box.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    box.addEventListener('dblclick', (event) => onPicture(event) && this.fit());
    box.addEventListener('contextmenu', (event) => onPicture(event) && event.preventDefault());
    box.addEventListener('pointerdown', (event) => this.#press(event));
    box.addEventListener('pointermove', (event) => this.#move(event));
    for (const end of ['pointerup', 'pointercancel']) {
      box.addEventListener(end, (event) => {
        this.#pointers.delete(event.pointerId);
        this.#line = null;
      });
    }
  }

  /** Whether dragging draws a line to be measured, rather than moving the image. */
  get measuring() {
    return this.#measuring;
  }

  set measuring(on) {
    this.#measuring = on;
    this.#box.classList.toggle('measuring', on);
  }

  // Where on the image a pointer is, as shares of its sides.
  #place(event) {
    const { left, top, width, height } = this.#box.getBoundingClientRect();
    const [across, down] = this.#size();
    const within = (share) => Math.min(1, Math.max(0, share));
    return [within((event.clientX - left - width / 2) / across + this.#view.x), within((event.clientY - top - height / 2) / down + this.#view.y)];
  }

  /** Shows `{film, heat, opacity (0..=1), boxes}`, or nothing; `keep` leaves zoom and place as they are. */
  show(scene, keep = false) {
    this.#scene = scene;
    if (keep) this.#draw();
    else this.fit();
  }

  /** The whole image. */
  fit() {
    this.#view = { zoom: 1, x: 0.5, y: 0.5 };
    this.#draw();
  }

  /** Closer (`steps` above 0) or further away, about a point of the stage in CSS pixels, or about its middle. */
  zoom(steps, about = null) {
    const { width, height } = this.#box.getBoundingClientRect();
    this.#zoomTo(this.#view.zoom * STEP ** steps, about ?? [width / 2, height / 2]);
  }

  /** Moves the image by CSS pixels. */
  pan(dx, dy) {
    if (!this.#scene) return;
    const [width, height] = this.#size();
    this.#view.x -= dx / width;
    this.#view.y -= dy / height;
    this.#draw();
  }

  /** How far in: 1 shows the whole image. */
  get magnification() {
    return this.#view.zoom;
  }

  #zoomTo(zoom, [x, y]) {
    if (!this.#scene) return;
    const { width, height } = this.#box.getBoundingClientRect();
    const [across, down] = [x - width / 2, y - height / 2];
    const before = this.#size();
    this.#view.zoom = Math.min(FURTHEST, Math.max(1, zoom));
    const after = this.#size();
    // What lies under the pointer stays there.
    this.#view.x += across / before[0] - across / after[0];
    this.#view.y += down / before[1] - down / after[1];
    this.#draw();
  }

  // The image's width and height on the stage, in CSS pixels.
  #size() {
    const { width, height } = this.#box.getBoundingClientRect();
    const { film } = this.#scene;
    const scale = Math.min(width / film.width, height / film.height) * this.#view.zoom;
    return [film.width * scale, film.height * scale];
  }

  #wheel(event) {
    if (!this.#scene || event.target.closest('.tools')) return;
    // At the end of zooming out the page scrolls on.
    if (event.deltaY > 0 && this.#view.zoom === 1) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    const { left, top } = this.#box.getBoundingClientRect();
    this.zoom((-event.deltaY * lines) / 120, [event.clientX - left, event.clientY - top]);
  }

  #press(event) {
    if (!this.#scene || !onPicture(event)) return;
    this.#box.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, event);
    if (this.#measuring && this.#pointers.size === 1 && event.button === 0) this.#line = this.#place(event);
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (this.#pointers.size === 2) this.#pinch(event);
    else if (this.#line) this.onMeasure({ from: this.#line, to: this.#place(event) });
    else if (before.shiftKey || before.buttons === 2) this.onTone(dx, dy);
    else this.pan(dx, dy);
    this.#pointers.set(event.pointerId, event);
  }

  #pinch(event) {
    const other = [...this.#pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    const before = this.#pointers.get(event.pointerId);
    const apart = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY);
    const { left, top } = this.#box.getBoundingClientRect();
    const middle = [(event.clientX + other.clientX) / 2 - left, (event.clientY + other.clientY) / 2 - top];
    this.#zoomTo(this.#view.zoom * (apart(event) / Math.max(1, apart(before))), middle);
    this.pan((event.clientX - before.clientX) / 2, (event.clientY - before.clientY) / 2);
  }

  #resize() {
    const { width, height } = this.#box.getBoundingClientRect();
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    // At once: a canvas that was resized is empty.
    this.#paint();
  }

  #draw() {
    this.#clamp();
    this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  // The image never leaves the stage.
  #clamp() {
    const view = this.#view;
    // A finger on an image that is shown as a whole scrolls the page.
    this.#box.classList.toggle('near', view.zoom > 1);
    if (!this.#scene) return;
    const { width, height } = this.#box.getBoundingClientRect();
    const [across, down] = this.#size();
    const clamp = (value, room, length) => {
      const half = Math.min(0.5, room / 2 / length);
      return Math.min(1 - half, Math.max(half, value));
    };
    view.x = clamp(view.x, width, across);
    view.y = clamp(view.y, height, down);
  }

  #paint() {
    this.#frame = 0;
    const context = this.#context;
    const { width, height } = this.#canvas;
    context.clearRect(0, 0, width, height);
    if (!this.#scene || width === 0) return;
    const [across, down] = this.#size().map((length) => length * devicePixelRatio);
    const left = width / 2 - this.#view.x * across;
    const top = height / 2 - this.#view.y * down;
    drawLayers(context, this.#scene, { left, top, across, down, unit: devicePixelRatio });
  }
}

/** Draws a scene at a place of a canvas, `across` and `down` pixels large; lines are some `unit`s wide. */
export function drawLayers(context, { film, heat, opacity, boxes, measure }, { left, top, across, down, unit }) {
  context.imageSmoothingEnabled = across / film.width < 4;
  context.imageSmoothingQuality = 'high';
  context.drawImage(film, left, top, across, down);
  if (heat && opacity > 0) {
    context.globalAlpha = opacity;
    context.imageSmoothingEnabled = true;
    context.drawImage(heat, left, top, across, down);
    context.globalAlpha = 1;
  }
  const line = (width, style, path) => {
    context.lineWidth = width * unit;
    context.strokeStyle = style;
    context.stroke(path);
  };
  for (const box of boxes) {
    const frame = new Path2D();
    frame.rect(left + box.left * across, top + box.top * down, (box.right - box.left) * across, (box.bottom - box.top) * down);
    line(4, 'rgb(0 0 0 / .55)', frame);
    line(2, OUTLINE, frame);
  }
  if (!measure) return;
  const [from, to] = [measure.from, measure.to].map(([x, y]) => [left + x * across, top + y * down]);
  const path = new Path2D();
  path.moveTo(...from);
  path.lineTo(...to);
  for (const [x, y] of [from, to]) {
    path.moveTo(x + 4 * unit, y);
    path.arc(x, y, 4 * unit, 0, 2 * Math.PI);
  }
  line(4, 'rgb(0 0 0 / .6)', path);
  line(2, RULER, path);
  context.font = `600 ${14 * unit}px system-ui, sans-serif`;
  const wide = context.measureText(measure.label).width;
  const [x, y] = [(from[0] + to[0]) / 2 + 8 * unit, (from[1] + to[1]) / 2 - 8 * unit];
  context.fillStyle = 'rgb(0 0 0 / .7)';
  context.fillRect(x - 5 * unit, y - 16 * unit, wide + 10 * unit, 22 * unit);
  context.fillStyle = RULER;
  context.fillText(measure.label, x, y);
}

const onPicture = (event) => !event.target.closest('.tools');
