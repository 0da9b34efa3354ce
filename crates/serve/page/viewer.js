// The image that is looked at: its picture on the stage, and the controls beside it.
import { depthOf } from './depth.js';
import { $, el } from './dom.js';
import { heatOf, kindOf } from './films.js';
import { decodeFilm, develop, fullRange, middleRange, PLAIN } from './picture.js';
import { lengthOf, savePicture } from './picture-save.js';
import { Stage } from './stage.js';
import { index, t, textsAt } from './text.js';

const KEY_STEP = 48;
const OPACITY = 0.35;
const AS_JUDGED = 'judged';

/** The viewer. Sliders keep their places from image to image; zoom does not, nor does the window of a DICOM file's own depth. */
export class Viewer {
  #stage = new Stage($('stage'), $('canvas'));
  #film = null;
  #source = null;
  // What the server decoded, and where the file has more depth, that: each with its own window and level.
  #judged = null;
  #deep = null;
  #preset = AS_JUDGED;
  #heat = null;
  #developed = null;
  #plain = { window: PLAIN.window, level: PLAIN.level };
  #deepTone = null;
  #invert = false;
  #opacity = OPACITY;
  #overlay = true;
  #measure = null;
  #shown = 0;

  constructor() {
    this.#stage.onTone = (dx, dy) => {
      const scale = this.#isDeep ? (this.#deep.range[1] - this.#deep.range[0]) / 512 : 1;
      const { window, level } = this.#tone;
      this.#setTone({ window: window + dx * scale, level: level + dy * scale });
    };
    this.#stage.onMeasure = (measure) => this.#setMeasure(measure);
    $('zoom-in').addEventListener('click', () => this.#stage.zoom(2));
    $('zoom-out').addEventListener('click', () => this.#stage.zoom(-2));
    $('fit').addEventListener('click', () => this.#stage.fit());
    $('invert').addEventListener('click', () => this.#setInvert());
    $('ruler').addEventListener('click', () => this.#setRuler(!this.#stage.measuring));
    $('save-picture').addEventListener('click', () => this.#save());
    $('heat').addEventListener('input', () => this.#setOpacity($('heat').valueAsNumber / 100));
    $('window').addEventListener('input', () => this.#setTone({ window: $('window').valueAsNumber }));
    $('level').addEventListener('input', () => this.#setTone({ level: $('level').valueAsNumber }));
    $('preset').addEventListener('change', () => this.#choosePreset($('preset').value));
    $('boxes').addEventListener('change', () => this.#draw(true));
    $('reset').addEventListener('click', () => this.#reset());
    $('stage').addEventListener('keydown', (event) => this.#key(event));
    this.#startFullScreen();
    this.#controls();
  }

  #startFullScreen() {
    $('full').hidden = !document.fullscreenEnabled;
    $('full').addEventListener('click', () => this.#toggleFull());
    document.addEventListener('fullscreenchange', () => $('full').setAttribute('aria-pressed', String(document.fullscreenElement !== null)));
  }

  #toggleFull() {
    const done = document.fullscreenElement ? document.exitFullscreen() : $('viewer').requestFullscreen?.();
    // Refused by the browser: the page stays as it is.
    done?.catch(() => {});
  }

  /** Shows an image, or that there is no picture of it (yet). */
  async show(film) {
    // Until the server's picture is there, the file itself, where the browser can read it.
    const source = film?.picture ?? (film?.state === 'failed' ? null : film?.file);
    this.#film = film;
    if (film && this.#source === source) return this.#controls();
    this.#source = source;
    // An image chosen later may be ready sooner.
    const turn = (this.#shown += 1);
    this.#judged = this.#deep = this.#deepTone = this.#heat = this.#developed = this.#measure = null;
    this.#preset = AS_JUDGED;
    this.#controls();
    this.#stage.show(null);
    $('stage').setAttribute('aria-label', film ? t('viewer.label', { name: film.name }) : '');
    $('no-picture').textContent = '';
    $('measured').textContent = this.#stage.measuring ? t('viewer.rulerHint') : '';
    $('stage').setAttribute('aria-busy', 'true');
    if (!source) return;
    const heat = heatOf(film);
    const deep = film.picture && film.header && film.source ? depthOf(film.source).catch(() => null) : null;
    const [pixels, layer] = await Promise.all([decodeFilm(source).catch(() => null), heat ? createImageBitmap(heat.blob) : null]);
    if (turn !== this.#shown) return;
    this.#judged = pixels;
    this.#heat = layer;
    this.#draw(false);
    $('no-picture').textContent = pixels ? '' : t(film.picture ? 'viewer.noPicture' : 'viewer.later');
    const depth = await deep;
    if (turn !== this.#shown) return;
    if (depth && pixels && sameShape(depth, pixels)) {
      this.#deep = depth;
      this.#presets();
      this.#choosePreset($('preset').options[0].value);
    }
    $('stage').setAttribute('aria-busy', String(!film.picture));
  }

  get #isDeep() {
    return this.#deep !== null && this.#preset !== AS_JUDGED;
  }

  get #pixels() {
    return this.#isDeep ? this.#deep : this.#judged;
  }

  get #tone() {
    return this.#isDeep ? this.#deepTone : this.#plain;
  }

  // The windows that the file proposes, then the page's own, then what the model saw.
  #presets() {
    const own = this.#deep.windows.map(({ name, level, window }, place) => [
      `window ${place}`, `${name ?? t('viewer.presets.header')} (${Math.round(window)} / ${Math.round(level)})`,
    ]);
    const rest = ['full', 'middle', AS_JUDGED].map((key) => [key, t(`viewer.presets.${key}`, { bits: this.#deep.bits })]);
    $('preset').replaceChildren(...[...own, ...rest].map(([value, text]) => el('option', { value, text })), el('option', { value: 'own', text: t('viewer.presets.own'), hidden: true }));
  }

  #choosePreset(preset) {
    if (preset === 'own') return;
    this.#preset = preset;
    if (preset === 'full') this.#deepTone = fullRange(this.#deep);
    else if (preset === 'middle') this.#deepTone = middleRange(this.#deep);
    else if (preset !== AS_JUDGED) {
      const { window, level } = this.#deep.windows[Number(preset.split(' ')[1])];
      this.#deepTone = { window, level };
    }
    this.#developed = null;
    this.#controls();
    this.#draw(true);
  }

  #draw(keep) {
    if (!this.#pixels) return;
    this.#developed ??= develop(this.#pixels, { ...this.#tone, invert: this.#invert });
    this.#stage.show({ film: this.#developed, ...this.#layers(), measure: this.#measure }, keep);
  }

  #layers() {
    if (!this.#overlay) return { heat: null, opacity: 0, boxes: [] };
    return { heat: this.#heat, opacity: this.#opacity, boxes: $('boxes').checked && this.#film ? (heatOf(this.#film)?.boxes ?? []) : [] };
  }

  #setTone(change) {
    const { window, level } = { ...this.#tone, ...change };
    const clamp = (value, least, most) => Math.min(most, Math.max(least, value));
    if (this.#isDeep) {
      const [low, high] = this.#deep.range;
      this.#deepTone = { window: clamp(window, 1, 2 * (high - low) + 2), level: clamp(level, low, high) };
      if (this.#preset !== 'own') this.#preset = 'own';
    } else this.#plain = { window: clamp(Math.round(window), 4, 256), level: clamp(Math.round(level), 0, 255) };
    this.#developed = null;
    this.#controls();
    this.#draw(true);
  }

  #setInvert() {
    this.#invert = !this.#invert;
    this.#developed = null;
    this.#controls();
    this.#draw(true);
  }

  #setOpacity(opacity) {
    this.#opacity = opacity;
    this.#overlay = true;
    this.#controls();
    this.#draw(true);
  }

  #setOverlay(overlay) {
    this.#overlay = overlay;
    this.#draw(true);
  }

  #setRuler(on) {
    this.#stage.measuring = on;
    $('ruler').setAttribute('aria-pressed', String(on));
    if (!on) this.#setMeasure(null);
    else if (!this.#measure) $('measured').textContent = t('viewer.rulerHint');
  }

  #setMeasure(measure) {
    const length = measure && lengthOf(measure, this.#film, this.#judged);
    this.#measure = measure && { ...measure, label: length.text };
    $('measured').textContent = measure ? length.says : '';
    this.#draw(true);
  }

  #save() {
    if (!this.#developed) return;
    savePicture(this.#film, { film: this.#developed, ...this.#layers(), measure: this.#measure });
  }

  #reset() {
    $('boxes').checked = true;
    this.#opacity = OPACITY;
    this.#overlay = true;
    this.#invert = false;
    this.#plain = { window: PLAIN.window, level: PLAIN.level };
    this.#setRuler(false);
    this.#choosePreset(this.#deep ? $('preset').options[0].value : AS_JUDGED);
    this.#stage.fit();
  }

  // Everything beside the stage as it now is.
  #controls() {
    const [low, high] = this.#isDeep ? this.#deep.range : [0, 255];
    const { window, level } = this.#tone;
    $('heat').value = this.#opacity * 100;
    $('heat-value').value = `${Math.round(this.#opacity * 100)}\u202f%`;
    Object.assign($('window'), this.#isDeep ? { min: 1, max: Math.ceil(Math.max(high - low, window)) } : { min: 4, max: 256 });
    Object.assign($('level'), this.#isDeep ? { min: Math.floor(Math.min(low, level)), max: Math.ceil(Math.max(high, level)) } : { min: 0, max: 255 });
    $('window').value = window;
    $('window-value').value = Math.round(window);
    $('level').value = level;
    $('level-value').value = Math.round(level);
    $('preset-row').hidden = !this.#deep;
    if (this.#deep) $('preset').value = this.#preset;
    $('invert').setAttribute('aria-pressed', this.#invert);
    const heat = this.#film && heatOf(this.#film);
    const judged = this.#film?.state === 'done';
    $('heat').disabled = $('boxes').disabled = judged && !heat;
    const none = judged && kindOf(this.#film) === 'not_an_xray' ? 'viewer.refusedHeat' : 'viewer.noHeat';
    $('heat-note').textContent = heat ? `${t(`viewer.${heat.kind}`)} ${hottest(heat.boxes)}` : judged ? t(none) : '\u00a0';
  }

  #key(event) {
    if (event.target !== $('stage') || event.ctrlKey || event.metaKey || event.altKey) return;
    const does = {
      ArrowLeft: () => this.#stage.pan(KEY_STEP, 0),
      ArrowRight: () => this.#stage.pan(-KEY_STEP, 0),
      ArrowUp: () => this.#stage.pan(0, KEY_STEP),
      ArrowDown: () => this.#stage.pan(0, -KEY_STEP),
      '+': () => this.#stage.zoom(1),
      '=': () => this.#stage.zoom(1),
      '-': () => this.#stage.zoom(-1),
      0: () => this.#stage.fit(),
      i: () => this.#setInvert(),
      h: () => this.#setOverlay(!this.#overlay),
      r: () => this.#setRuler(!this.#stage.measuring),
      f: () => this.#toggleFull(),
      s: () => this.#save(),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does) return;
    // At full view arrows scroll the page, as they do elsewhere.
    if (event.key.startsWith('Arrow') && this.#stage.magnification === 1) return;
    event.preventDefault();
    does();
  }
}

// A file that was turned or cut on its way has no levels of its own that would lie under the heat.
const sameShape = (a, b) => Math.abs(a.width / a.height - b.width / b.height) < 0.02 * (b.width / b.height);

// Where the heat is, for those who do not see it.
function hottest(boxes) {
  if (boxes.length === 0) return t('viewer.nothingHot');
  const { left, top, right, bottom, heat } = boxes.reduce((most, box) => (box.heat > most.heat ? box : most));
  const third = (share) => Math.min(2, Math.floor(share * 3));
  const place = textsAt('viewer.places')[third((top + bottom) / 2)][third((left + right) / 2)];
  return t('viewer.hottest', { place, heat: index(heat) });
}
