// What is said of the image that is looked at: decision, score, reasons to be careful, details; or why there is no answer.
import { el } from './dom.js';
import { headerRows } from './exams.js';
import { kindOf } from './films.js';
import { icon } from './icons.js';
import { scaleOf } from './scale.js';
import { bytes, modelName, percent, t } from './text.js';
import { errorText, meaningOf, reasonsOf, saysOf, worthAnother } from './verdict.js';

/** The decision as a badge. */
export function badge(film) {
  const kind = kindOf(film);
  const name = kind === 'pending' ? t(`state.${film.state}`) : t(`decision.${kind}.name`);
  return el('span', { class: `badge ${kind}` }, icon(kind), name);
}

/** The decision on an image in a sentence or two, or why there is none. */
export function callOf(film) {
  const kind = kindOf(film);
  const title = kind === 'pending' ? t(`state.${film.state}`) : t(`decision.${kind}.title`);
  const says = { pending: () => '', failed: () => errorText(film.error) }[kind] ?? (() => saysOf(film.prediction, film.model));
  return el('div', { class: `call ${kind}` },
    icon(kind),
    el('div', {}, el('p', { class: 'call-title', text: title }), el('p', { class: 'call-says', text: says() || '\u00a0' })));
}

/** All else that is said of an image. `again` is called where a person wants it tried once more. */
export function resultOf(film, again) {
  const kind = kindOf(film);
  if (kind === 'pending') return [];
  return kind === 'failed' ? failure(film, again) : answer(film);
}

function answer({ prediction, model, example, header }) {
  const { decision, score } = prediction;
  const judged = decision !== 'not_an_xray';
  const reasons = reasonsOf(prediction, model, example?.truth);
  return [
    judged && el('section', { class: 'score' },
      el('h3', { text: t('score.name') }),
      el('p', { class: 'score-value', text: percent(score) }),
      scaleOf(score, decision, model),
      el('p', { class: 'soft', text: meaningOf(prediction) })),
    el('section', { class: 'why' },
      el('h3', { text: t('why.title') }),
      el('ul', {}, reasons.map((reason) => el('li', { class: reason.grave ? 'grave' : null }, icon(reason.icon), el('span', { text: reason.text }))))),
    details([
      ['pixels', t('details.pixels', { width: String(prediction.width), height: String(prediction.height) })],
      ['xray', prediction.xray_score === null || prediction.xray_score === undefined ? null : percent(prediction.xray_score)],
      ['time', t('details.milliseconds', { value: String(Math.round(prediction.milliseconds)) })],
      ['model', `${modelName(model)}, ${model.program}`],
      ['hash', prediction.sha256],
    ].map(([key, value]) => [key === 'pixels' ? 'size' : key, value])),
    header && headerDetails(header),
  ].filter(Boolean);
}

function headerDetails(header) {
  return el('details', {},
    el('summary', { text: t('header.title') }),
    el('dl', {}, headerRows(header).map(([name, value]) => el('div', {}, el('dt', { text: name }), el('dd', { text: value })))));
}

function failure({ error, file }, again) {
  const said = error.detail && el('p', { class: 'soft', text: t('error.said', { detail: error.detail }) });
  return [
    said,
    worthAnother(error) && file && el('button', { type: 'button', class: 'primary', text: t('error.again'), on: { click: again } }),
    details([['size', file && bytes(file.size)], ['code', error.code], ['status', error.status && String(error.status)], ['request', error.request]]),
  ].filter(Boolean);
}

function details(rows) {
  return el('details', {},
    el('summary', { text: t('details.title') }),
    el('dl', {}, rows.filter(([, value]) => value).map(([key, value]) => el('div', {}, el('dt', { text: t(`details.${key}`) }), el('dd', { text: value })))));
}
