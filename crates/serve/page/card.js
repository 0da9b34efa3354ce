// What the model is: its card, made of what the server says of it.
import { getCard, getModel, Problem } from './api.js';
import { $, el } from './dom.js';
import { save } from './download.js';
import { index, modelName, percent, t, whole } from './text.js';
import { askToken } from './token.js';
import { errorText } from './verdict.js';

const FIGURES = ['roc_auc', 'sensitivity', 'specificity', 'precision'];

let known = null;

/** What the model says of itself; asks for a token where one is needed and `asking`. Fetched once. */
export async function modelOf(asking) {
  for (;;) {
    try {
      known ??= await getModel();
      return known;
    } catch (problem) {
      if (!(asking && problem instanceof Problem && problem.code === 'unauthorized' && (await askToken(problem.token)))) throw problem;
    }
  }
}

/** Makes the card open and close. */
export function startCard() {
  const dialog = $('card');
  $('open-card').addEventListener('click', open);
  $('card-close').addEventListener('click', () => dialog.close());
  // A click beside the card closes it.
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
}

async function open() {
  const body = $('card-body');
  let content;
  try {
    content = contentOf(await modelOf(true));
  } catch (problem) {
    content = [el('p', { class: 'wrong', text: t('card.failed') }), el('p', { class: 'soft', text: errorText(problem) })];
  }
  body.replaceChildren(...content);
  if (!$('card').open) $('card').showModal();
  body.focus({ preventScroll: true });
  $('card').scrollTop = 0;
}

function contentOf(model) {
  return [
    el('p', { class: 'lead', text: t('card.lead') }),
    ...figures(model),
    ...section('doubt', doubt(model)),
    ...section('use', [el('p', { text: t('card.useText') }), el('p', { class: 'not-for', text: t('card.notFor') })]),
    ...section('data', data(model)),
    ...section('points', points(model)),
    ...section('made', made(model)),
  ];
}

const section = (name, content) => (content ? [el('h3', { text: t(`card.${name}`) }), ...content] : []);

function figures({ metrics, training_data: data }) {
  const parts = [['val', data?.val_apart ? 'card.apart' : 'card.flatter'], ['test', 'card.test']].flatMap(([split, text]) => {
    const found = metrics?.[split];
    if (!found) return [];
    const { tp, fn } = found.confusion;
    const words = t(text, { images: found.images, fractured: tp + fn });
    return [el('p', { class: 'soft', text: words }), el('div', { class: 'figures' }, FIGURES.filter((name) => found[name]).map((name) => figure(name, found[name])))];
  });
  return [el('h3', { text: t('card.figures') }), ...(parts.length > 0 ? parts : [el('p', { text: t('card.noFigures') })])];
}

function figure(name, { value, low, high }) {
  const words = name === 'roc_auc' ? index : whole;
  const certain = low !== null && low !== undefined && high !== null && high !== undefined;
  return el('div', { class: 'figure' },
    el('h4', { text: t(`card.${name}`) }),
    el('p', { class: 'figure-value' }, words(value), ' ', certain && el('span', { text: t('card.interval', { low: words(low), high: words(high) }) })),
    certain && interval(value, low, high),
    el('p', { class: 'soft', text: t(`card.${name}Note`) }));
}

// The figure on a line from 0 to 1, with its interval.
function interval(value, low, high) {
  const at = (share) => 4 + share * 192;
  return el('svg:svg', { class: 'interval', viewBox: '0 0 200 14', 'aria-hidden': 'true', focusable: 'false' },
    el('svg:path', { class: 'line', d: 'M4 7H196' }),
    el('svg:path', { class: 'span', d: `M${at(low)} 7H${at(high)}` }),
    el('svg:circle', { class: 'dot', cx: at(value), cy: 7, r: 4.500 }));
}

// A promise a side, and why one is refused.
function sides({ fractured, missed }) {
  return [['fractured', fractured], ['missed', missed]].map(([name, side]) => {
    const words = { error: percent(side.error), confidence: percent(side.confidence), wrong: side.wrong, of: side.of };
    return el('p', { text: side.refusal ?? t(`card.promised.${name}`, words) });
  });
}

function doubt({ doubt_band: band, doubt_refusal: refusal, promises, fitted_on: made }) {
  if (!band) return [el('p', { text: t('card.noBand') }), refusal && el('p', { text: refusal })].filter(Boolean);
  const words = { low: percent(band.low), high: percent(band.high), error: percent(band.error), confidence: percent(band.confidence) };
  if (promises) {
    return [el('p', { text: t('card.band', words) }), ...sides(promises), el('p', { class: 'soft', text: t('card.madeOn', { made: made ?? 'val' }) }), band.high >= 1 && el('p', { text: t('card.allDoubt') })].filter(Boolean);
  }
  const promised = typeof band.error === 'number' && typeof band.confidence === 'number';
  return [el('p', { text: t(promised ? 'card.promise' : 'card.band', words) }), band.high >= 1 && el('p', { text: t('card.allDoubt') })].filter(Boolean);
}

function data({ training_data: about, metrics, attribution }) {
  if (!about) return null;
  const words = {
    train: about.train_images, trainFractured: about.train_fractured, name: about.name,
    val: about.val_images ?? metrics?.val?.images, valFractured: about.val_fractured,
  };
  return [el('p', { text: t('card.dataText', words) }), attribution && el('p', { class: 'soft', text: attribution })].filter(Boolean);
}

function points({ operating_points: list }) {
  if (!list?.length) return null;
  const head = ['point', 'threshold', 'sensitivity', 'specificity'].map((key) => el('th', { scope: 'col', text: t(`card.${key}`) }));
  const rows = list.map((point) => el('tr', {},
    el('th', { scope: 'row', text: point.name }),
    [percent(point.threshold), whole(point.sensitivity), whole(point.specificity)].map((text) => el('td', { text }))));
  return [
    el('div', { class: 'table', role: 'group', tabindex: '0', 'aria-label': t('card.points') }, el('table', {}, el('thead', {}, el('tr', {}, head)), el('tbody', {}, rows))),
    el('p', { class: 'soft', text: t('card.pointsNote') }),
  ];
}

function made(model) {
  const size = model.preprocess?.size;
  const rows = [
    ['name', modelName(model)], ['input', size && t('card.inputText', { size: String(size) })], ['program', model.written_by],
    ['licence', model.licence ?? t('card.unknown')], ['hash', model.weights_sha256],
  ].filter(([, value]) => value);
  return [
    el('dl', {}, rows.map(([key, value]) => el('div', {}, el('dt', { text: t(`card.${key}`) }), el('dd', { text: value })))),
    el('button', { type: 'button', class: 'secondary', text: t('card.whole'), on: { click: async () => save('model-card.md', 'text/markdown', await getCard()) } }),
  ];
}
