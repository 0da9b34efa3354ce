// The printed report: the images shown, in their order, a summary first. Only the printer sees it.
import { $, el } from './dom.js';
import { heatOf, KINDS, kindOf } from './films.js';
import { miniature } from './picture.js';
import { badge } from './result.js';
import { modelName, percent, t } from './text.js';
import { bandText, errorText, reasonsOf, saysOf } from './verdict.js';

const SIDE = 640;

/** Makes the report of these images and opens the browser's print window. */
export async function printReport(films) {
  await makeReport(films);
  window.print();
}

/** Makes the report, with its pictures. */
export async function makeReport(films) {
  const judged = films.filter((film) => kindOf(film) !== 'pending');
  const model = judged.find((film) => film.model)?.model ?? null;
  const entries = [];
  for (const film of judged) entries.push(await entry(film));
  const made = model && t('report.made', { date: new Date().toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short' }), program: model.program, model: modelName(model), hash: model.weights_sha256.slice(0, 12) });
  $('report').replaceChildren(
    el('header', {},
      el('p', { class: 'report-brand', text: 'Osteon' }),
      el('p', { class: 'report-device' }, el('strong', { text: t('notice.strong') }), ' ', t('notice.rest'))),
    el('h1', { text: judged.length === 1 ? t('report.titleOne') : t('report.title', { count: judged.length }) }),
    made && el('p', { class: 'soft', text: made }),
    model && el('p', { class: 'soft', text: t('report.scale', { threshold: percent(model.threshold), band: bandText(model) }) }),
    judged.some(heatOf) && el('p', { class: 'soft', text: t('report.heat') }),
    judged.length > 1 && summary(judged),
    ...entries);
}

function summary(films) {
  const counts = KINDS.map((kind) => [kind, films.filter((film) => kindOf(film) === kind).length]).filter(([, count]) => count > 0);
  return el('ul', { class: 'report-summary' }, counts.map(([kind, count]) => el('li', { class: kind }, el('b', { text: String(count) }), t(`decision.${kind}.name`))));
}

async function entry(film) {
  const { prediction, model, example, error } = film;
  const pictures = film.picture ? await Promise.all([miniature(film.picture, SIDE), heatOf(film) && miniature(film.picture, SIDE, heatOf(film).blob)]) : [];
  const judged = prediction && prediction.decision !== 'not_an_xray';
  const words = prediction
    ? [
      el('p', { text: saysOf(prediction, model) }),
      el('ul', {}, reasonsOf(prediction, model, example?.truth).map((reason) => el('li', { text: reason.text }))),
      el('p', { class: 'report-hash', text: `SHA-256 ${prediction.sha256}` }),
    ]
    : [el('p', { text: errorText(error) }), error.detail && el('p', { class: 'soft', text: t('error.said', { detail: error.detail }) })];
  return el('article', { class: 'report-film' },
    el('div', { class: 'report-pictures' }, pictures.filter(Boolean)),
    el('div', { class: 'report-words' },
      el('h2', { text: film.name }),
      el('p', { class: 'report-call' }, badge(film), judged && el('span', { text: t('list.score', { score: percent(prediction.score) }) })),
      words.filter(Boolean)));
}
