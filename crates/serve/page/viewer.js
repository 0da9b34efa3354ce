// The film that is looked at: its picture on the stage, and the controls beside it.
import { $ } from './dom.js';
import { decodeFilm, develop, PLAIN } from './picture.js';
import { Stage } from './stage.js';
import { index, t, textsAt } from './text.js';

const KEY_STEP = 48;

/** The viewer. Sliders keep their places from film to film; zoom does not. */
export class Viewer {
  #stage = new Stage($('stage'), $('canvas'));
  #film = null;
  #source = null;
  #pixels = null;
  #heat = null;
  #developed = null;
  #tone = { ...PLAIN };
  #opacity = 0.8;
  #shown = 0;

  constructor() {
    this.#stage.onTone = (dx, dy) => this.#setTone({ window: this.#tone.window + dx, level: this.#tone.level + dy });
    $('zoom-in').addEventListener('click', () => this.#stage.zoom(2));
    $('zoom-out').addEventListener('click', () => this.#stage.zoom(-2));
    $('fit').addEventListener('click', () => this.#stage.fit());
    $('invert').addEventListener('click', () => this.#setTone({ invert: !this.#tone.invert }));
    $('heat').addEventListener('input', () => this.#setOpacity($('heat').valueAsNumber / 100));
    $('window').addEventListener('input', () => this.#setTone({ window: $('window').valueAsNumber }));
    $('level').addEventListener('input', () => this.#setTone({ level: $('level').valueAsNumber }));
    $('boxes').addEventListener('change', () => this.#draw(true));
    $('reset').addEventListener('click', () => this.#reset());
    $('stage').addEventListener('keydown', (event) => this.#key(event));
    this.#controls();
  }

  /** Shows a film, or that there is no picture of it (yet). */
  async show(film) {
    // Until the server's picture is there, the file itself, where the browser can read it.
    const source = film?.picture ?? (film?.state === 'failed' ? null : film?.file);
    this.#film = film;
    if (film && this.#source === source) return this.#controls();
    this.#source = source;
    // A film chosen later may be ready sooner.
    const turn = (this.#shown += 1);
    this.#pixels = this.#heat = this.#developed = null;
    this.#controls();
    this.#stage.show(null);
    $('stage').setAttribute('aria-label', film ? t('viewer.label', { name: film.name }) : '');
    $('no-picture').textContent = '';
    $('stage').setAttribute('aria-busy', 'true');
    if (!source) return;
    const [pixels, heat] = await Promise.all([decodeFilm(source).catch(() => null), film.heat ? createImageBitmap(film.heat.blob) : null]);
    if (turn !== this.#shown) return;
    this.#pixels = pixels;
    this.#heat = heat;
    this.#draw(false);
    $('no-picture').textContent = pixels ? '' : t(film.picture ? 'viewer.noPicture' : 'viewer.later');
    $('stage').setAttribute('aria-busy', String(!film.picture));
  }

  #draw(keep) {
    if (!this.#pixels) return;
    this.#developed ??= develop(this.#pixels, this.#tone);
    const boxes = $('boxes').checked ? (this.#film.heat?.boxes ?? []) : [];
    this.#stage.show({ film: this.#developed, heat: this.#heat, opacity: this.#opacity, boxes }, keep);
  }

  #setTone(change) {
    const tone = { ...this.#tone, ...change };
    tone.window = Math.min(256, Math.max(4, Math.round(tone.window)));
    tone.level = Math.min(255, Math.max(0, Math.round(tone.level)));
    this.#tone = tone;
    this.#developed = null;
    this.#controls();
    this.#draw(true);
  }

  #setOpacity(opacity) {
    this.#opacity = opacity;
    this.#controls();
    this.#draw(true);
  }

  #reset() {
    $('boxes').checked = false;
    this.#opacity = 0.8;
    this.#setTone(PLAIN);
    this.#stage.fit();
  }

  // Everything beside the stage as it now is.
  #controls() {
    const { window, level, invert } = this.#tone;
    $('heat').value = this.#opacity * 100;
    $('heat-value').value = `${Math.round(this.#opacity * 100)}\u202f%`;
    $('window').value = window;
    $('window-value').value = window;
    $('level').value = level;
    $('level-value').value = level;
    $('invert').setAttribute('aria-pressed', invert);
    const heat = this.#film?.heat;
    const judged = this.#film?.state === 'done';
    $('heat').disabled = $('boxes').disabled = judged && !heat;
    $('heat-note').textContent = heat ? `${t(`viewer.${heat.kind}`)} ${hottest(heat.boxes)}` : judged ? t('viewer.noHeat') : '\u00a0';
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
      i: () => this.#setTone({ invert: !this.#tone.invert }),
      h: () => this.#setOpacity(this.#opacity > 0 ? 0 : 0.8),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does) return;
    // At full view arrows scroll the page, as they do elsewhere.
    if (event.key.startsWith('Arrow') && this.#stage.magnification === 1) return;
    event.preventDefault();
    does();
  }
}

// Where the heat is, for those who do not see it.
function hottest(boxes) {
  if (boxes.length === 0) return t('viewer.nothingHot');
  const { left, top, right, bottom, heat } = boxes.reduce((most, box) => (box.heat > most.heat ? box : most));
  const third = (share) => Math.min(2, Math.floor(share * 3));
  const place = textsAt('viewer.places')[third((top + bottom) / 2)][third((left + right) / 2)];
  return t('viewer.hottest', { place, heat: index(heat) });
}
