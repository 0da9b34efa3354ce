// The list of images: rows, filter and order, kept up with what becomes of them.
import { $, el } from './dom.js';
import { KINDS, kindOf, ORDERS } from './films.js';
import { icon } from './icons.js';
import { miniature } from './picture.js';
import { badge } from './result.js';
import { percent, t } from './text.js';
import { flagText } from './verdict.js';

const THUMB = 128;

/** Shows `films` in the list; `choose(film)` is called where a person picks one. */
export class List {
  #films;
  #choose;
  #rows = new Map();
  #headings = new Map();
  #frame = 0;

  constructor(films, choose) {
    this.#films = films;
    this.#choose = choose;
    $('sort').append(...ORDERS.map((order) => el('option', { value: order, text: t(`list.sorts.${order}`) })));
    $('sort').addEventListener('change', () => films.sort($('sort').value));
    $('tiles').addEventListener('click', () => this.#setTiles($('films').classList.toggle('tiles')));
    $('films').addEventListener('keydown', (event) => this.#key(event));
    films.addEventListener('list', () => this.#soon());
    films.addEventListener('note', ({ detail }) => this.#fill(detail));
    films.addEventListener('chosen', () => this.#mark());
    films.addEventListener('film', ({ detail }) => {
      this.#fill(detail);
      this.#soon();
    });
  }

  #setTiles(on) {
    $('tiles').setAttribute('aria-pressed', String(on));
    document.querySelector('.row[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }

  // Many images may change at once: the list is drawn once for all of them.
  #soon() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    const shown = this.#films.shown;
    const known = new Set(this.#films.all.map((film) => film.id));
    for (const id of this.#rows.keys()) if (!known.has(id)) this.#rows.delete(id);
    const rows = shown.flatMap((film, place) => this.#withStudy(film, shown[place - 1], shown[place + 1]));
    const list = $('films');
    // Moving a row takes the focus from it.
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    if (rows.length !== list.children.length || rows.some((row, place) => row !== list.children[place])) {
      list.replaceChildren(...rows);
      focused?.focus({ preventScroll: true });
    }
    $('none').hidden = rows.length > 0;
    $('sort').value = this.#films.order;
    this.#filters();
    this.#mark();
  }

  // An image's row; before the first of several of one study a line that says so.
  #withStudy(film, before, after) {
    const { item } = this.#row(film);
    const same = (other) => film.study !== null && other?.study === film.study;
    item.classList.toggle('of-study', same(before) || same(after));
    if (same(before) || !same(after)) return [item];
    const studies = this.#films.shown.filter(({ study }) => study === film.study);
    const scores = studies.filter((one) => one.state === 'done' && kindOf(one) !== 'not_an_xray').map((one) => one.prediction.score);
    this.#headings.get(film.study) ?? this.#headings.set(film.study, el('li', { class: 'study' }));
    const heading = this.#headings.get(film.study);
    heading.replaceChildren(el('span', { text: t('list.study', { count: studies.length }) }), ...(scores.length > 0 ? [el('span', { text: t('list.highest', { score: percent(Math.max(...scores)) }) })] : []));
    return [heading, item];
  }

  #row(film) {
    if (!this.#rows.has(film.id)) {
      const parts = { thumb: el('span', { class: 'thumb' }), badge: el('span'), note: el('span', { class: 'note' }), score: el('span', { class: 'row-score' }), mark: el('span', { class: 'mark' }) };
      const button = el('button', { type: 'button', class: 'row', on: { click: () => this.#choose(film, true) } },
        parts.thumb,
        el('span', { class: 'row-words' }, el('span', { class: 'row-name', text: film.name, title: film.name }), el('span', { class: 'row-line' }, parts.badge, parts.note)),
        parts.mark, parts.score);
      this.#rows.set(film.id, { ...parts, button, item: el('li', {}, button), picture: null });
      this.#fill(film);
    }
    return this.#rows.get(film.id);
  }

  #fill(film) {
    const row = this.#rows.get(film.id);
    if (!row) return;
    row.badge.replaceChildren(badge(film));
    row.note.textContent = (film.prediction?.flags ?? []).map(flagText).join(', ');
    const kind = kindOf(film);
    row.button.className = `row ${kind}`;
    const { agree } = film.reading;
    row.mark.className = `mark ${agree === false ? 'disagree' : ''}`;
    row.mark.replaceChildren(...(agree === null ? [] : [icon(agree ? 'agree' : 'close'), el('span', { class: 'sr', text: t(agree ? 'reading.agreed' : 'reading.disagreed') })]));
    const judged = film.state === 'done' && kind !== 'not_an_xray';
    row.score.textContent = judged ? percent(film.prediction.score) : '';
    if (judged) row.score.prepend(el('span', { class: 'sr', text: `${t('score.name')} ` }));
    if (film.picture && row.picture !== film.picture) {
      row.picture = film.picture;
      miniature(film.picture, THUMB).then((canvas) => {
        canvas.setAttribute('aria-hidden', 'true');
        row.thumb.replaceChildren(canvas);
      });
    }
  }

  #filters() {
    const counts = this.#films.counts;
    $('count').textContent = counts.all;
    const kinds = ['all', ...KINDS, 'flagged'].filter((kind) => kind === 'all' || counts[kind] > 0 || this.#films.filter === kind);
    const group = $('filters');
    const focused = group.contains(document.activeElement) ? document.activeElement.dataset.kind : null;
    group.hidden = counts.all < 2;
    group.replaceChildren(...kinds.map((kind) => el('button', {
      type: 'button', class: `chip ${kind}`, 'aria-pressed': String(this.#films.filter === kind), data: { kind }, on: { click: () => this.#films.show(kind) },
      title: nameOf(kind),
    }, ...labelOf(kind), ' ', el('b', { text: String(counts[kind]) }))));
    if (focused) group.querySelector(`[data-kind="${focused}"]`)?.focus();
  }

  #mark() {
    for (const [id, { button }] of this.#rows) {
      const chosen = id === this.#films.chosen?.id;
      if (chosen) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    }
  }

  #key(event) {
    const buttons = [...$('films').querySelectorAll('.row')];
    const place = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || !buttons[to]) return;
    event.preventDefault();
    buttons[to].focus();
    this.#choose(this.#films.shown[to], false);
  }
}

// All in one line: a decision shows its sign, and says its name to those who do not see it.
const labelOf = (kind) => (kind === 'all' ? [nameOf(kind)] : [icon(kind === 'flagged' ? 'care' : kind), el('span', { class: 'sr', text: nameOf(kind) })]);
const nameOf = (kind) => (kind === 'all' ? t('list.all') : kind === 'flagged' ? t('list.flagged') : t(`decision.${kind}.name`));
