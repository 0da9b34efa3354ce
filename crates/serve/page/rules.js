// How an image is decided, where a person wants it otherwise: at another operating point, or although it looks like no radiograph.
import { modelOf } from './card.js';
import { el } from './dom.js';
import { kindOf } from './films.js';
import { has, percent, t } from './text.js';

/** What can be chosen of an image that has its answer; `choose` is called with `{point}` or `{anyway: film}`. */
export function rulesOf(film, choose) {
  if (film.state !== 'done') return [];
  if (kindOf(film) === 'not_an_xray') return film.original ? [anyway(film, choose)] : [];
  return [points(film, choose)];
}

function anyway(film, choose) {
  return el('section', { class: 'rules' },
    el('p', { class: 'soft', text: t('rules.anywayNote', { value: percent(film.prediction.xray_score) }) }),
    el('button', { type: 'button', class: 'secondary', id: 'judge-anyway', text: t('rules.anyway'), on: { click: () => choose({ anyway: film }) } }));
}

// The points are in the card, which the server may not have given yet.
function points(film, choose) {
  const place = el('section', { class: 'rules', hidden: true });
  modelOf(false).then((model) => {
    const list = model.operating_points ?? [];
    if (list.length < 2) return;
    const now = film.model.operating_point;
    const options = list.map(({ name, threshold }) => el('option', { value: name, selected: name === now, text: t('rules.point', { name: nameOf(name), threshold: percent(threshold) }) }));
    const select = el('select', { id: 'operating-point', on: { change: () => choose({ point: select.value }) } }, options);
    place.append(el('label', { for: 'operating-point', text: t('rules.points') }), ' ', select);
    place.hidden = false;
  }, () => {});
  return place;
}

/** An operating point's name for people. */
const nameOf = (name) => (has(`rules.names.${name}`) ? t(`rules.names.${name}`) : name);
