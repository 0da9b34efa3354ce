// What the person who looks at an image says of its answer: kept in memory, and exported with the rest.
import { $, el } from './dom.js';
import { icon } from './icons.js';
import { t } from './text.js';

/** Shows what is said of an image so far, and takes more; `changed(film)` is called with each change. Nothing is shown of an image without an answer. */
export function showReading(film, changed) {
  if (film?.state !== 'done') return $('reading').replaceChildren();
  // While someone writes, the answer of another image may come: what they write stays.
  if ($('reading').dataset.film === String(film.id) && $('reading').contains(document.activeElement)) return undefined;
  $('reading').dataset.film = String(film.id);
  const { reading } = film;
  const button = (agree, name, sign) => el('button', {
    type: 'button', class: 'secondary', 'aria-pressed': String(reading.agree === agree), data: { agree: String(agree) },
    on: { click: () => choose(agree) },
  }, icon(sign), t(`reading.${name}`));
  const buttons = [button(true, 'agree', 'agree'), button(false, 'disagree', 'close')];
  const choose = (agree) => {
    // A second press takes it back.
    reading.agree = reading.agree === agree ? null : agree;
    for (const one of buttons) one.setAttribute('aria-pressed', String(reading.agree !== null && one.dataset.agree === String(reading.agree)));
    changed(film);
  };
  return $('reading').replaceChildren(el('section', { class: 'reading', 'aria-labelledby': 'reading-title' },
    el('h3', { id: 'reading-title', text: t('reading.title') }),
    el('div', { class: 'reading-choice' }, buttons),
    el('label', { for: 'reading-note', class: 'sr', text: t('reading.note') }),
    noteOf(film, changed),
    el('p', { class: 'soft', text: t('reading.where') })));
}

function noteOf(film, changed) {
  const note = el('textarea', { id: 'reading-note', rows: '2', maxlength: '2000', placeholder: t('reading.note') });
  note.value = film.reading.note;
  note.addEventListener('input', () => {
    film.reading.note = note.value;
    changed(film);
  });
  return note;
}
