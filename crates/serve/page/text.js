// Words and numbers as a person reads them.
import texts from './texts.en.js';

const plural = new Intl.PluralRules('en');
const counts = new Intl.NumberFormat('en');

/** The text at a dotted key, with `{name}`s filled in from `values`; a key that is missing shows itself. */
export function t(key, values = {}) {
  let text = key.split('.').reduce((node, part) => node?.[part], texts);
  if (text && typeof text === 'object' && 'other' in text) text = text[plural.select(values.count)] ?? text.other;
  if (typeof text !== 'string') return key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return typeof value === 'number' ? counts.format(value) : (value ?? whole);
  });
}

/** Whether there is a text at this key. */
export const has = (key) => t(key) !== key;

/** A list of texts at a key. */
export const textsAt = (key) => key.split('.').reduce((node, part) => node[part], texts);

/** Fills in every element that names its text: `data-text` as content, `data-label` as accessible name and tooltip. */
export function fillTexts(root = document) {
  for (const element of root.querySelectorAll('[data-text]')) element.textContent = t(element.dataset.text);
  for (const element of root.querySelectorAll('[data-label]')) {
    element.setAttribute('aria-label', t(element.dataset.label));
    element.title = t(element.dataset.label);
  }
}

/** A share, 0..=1, as a percentage: finer near the ends, and never rounded to a certainty that it is not. */
export function percent(share) {
  if (share === null || share === undefined || Number.isNaN(share)) return '–';
  const value = share * 100;
  if (value === 0 || value === 100) return `${value}\u202f%`;
  if (value < 0.1) return '<\u202f0.1\u202f%';
  if (value > 99.9) return '>\u202f99.9\u202f%';
  const fine = value < 10 || value > 90;
  return `${Number(value.toFixed(fine ? 1 : 0))}\u202f%`;
}

/** A share, 0..=1, as a whole percentage: for figures whose intervals are wider than that. */
export const whole = (share) => (share === null || share === undefined ? '–' : `${Math.round(share * 100)}\u202f%`);

/** A figure that is no rate, 0..=1, to two places. */
export const index = (value) => (value === null || value === undefined ? '–' : value.toFixed(2));

/** Bytes as a person reads them. */
export function bytes(count) {
  if (count < 1024) return `${count}\u202fB`;
  const mebi = count / 1048576;
  return mebi < 1 ? `${Math.round(count / 1024)}\u202fKiB` : `${mebi.toFixed(1)}\u202fMiB`;
}

/// What a model is called: its own name with its network's, or the network's alone.
export const modelName = (model) => (model.model ? `${model.model} (${model.name})` : model.name);
