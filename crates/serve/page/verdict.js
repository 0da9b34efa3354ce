// From an answer to words: what the model says, and why it may be wrong. Pure, so that screen, report and tests say the same.
import { has, percent, t } from './text.js';

/** What a model's band promises, as `{low, high, error, confidence}` in words, or `null` where it has none. */
const bandWords = (model) => {
  const band = model?.doubt_band;
  return band ? { low: percent(band.low), high: percent(band.high), error: percent(band.error), confidence: percent(band.confidence) } : null;
};

/** The model's band in a few words. */
export function bandText(model) {
  const words = bandWords(model);
  return words ? t('score.band', words) : t('score.noBand');
}

/** The sentence below the decision. */
export function saysOf({ decision, score }, model) {
  if (decision !== 'doubt') {
    // Without a band there is none to lie outside of.
    const key = `says.${decision}_no_band`;
    return t(!model?.doubt_band && has(key) ? key : `says.${decision}`);
  }
  // Never "0 of 100" or "100 of 100", and high or low as the program says it elsewhere.
  const share = String(Math.min(99, Math.max(1, Math.round(score * 100))));
  return t(score >= 0.5 ? 'says.doubtHigh' : 'says.doubtLow', { share });
}

/** What the score means, in natural frequencies. */
export function meaningOf({ score }) {
  const share = Math.round(score * 100);
  if (share < 1) return t('score.meansFew');
  return share > 99 ? t('score.meansMost') : t('score.means', { share });
}

/** Why to be careful, as `{icon, grave, text}`s, the gravest first. `truth` says of an example how it is labelled or was drawn. */
export function reasonsOf({ decision, xray_score: xray, judged_anyway: anyway, flags = [] }, model, truth = null) {
  const reasons = [];
  const add = (icon, grave, text) => reasons.push({ icon, grave, text });
  if (decision === 'not_an_xray') add('not_an_xray', true, t('why.not_an_xray', { value: percent(xray) }));
  if (anyway) add('not_an_xray', true, t('why.judged_anyway', { value: percent(xray) }));
  const icons = { seen_in_training: 'memory', annotated: 'pen', cross_section: 'care', outside_training: 'care' };
  for (const flag of flags) {
    // A server newer than this page may know more of them.
    add(icons[flag] ?? 'care', true, has(`why.${flag}`) ? t(`why.${flag}`) : flag.replaceAll('_', ' '));
  }
  const words = bandWords(model);
  if (decision === 'doubt') {
    // On a picture that shows nothing the band is not the reason.
    if (!flags.some((flag) => flag.startsWith('nearly_'))) add('doubt', false, t('why.in_band', words));
  } else if (decision !== 'not_an_xray') {
    add('promise', false, promiseOf(decision, model, words));
  }
  if (truth) add('pen', false, t(truth.startsWith('labelled') ? 'why.labelled' : 'why.synthetic', { truth: t(`why.${truth}`) }));
  if (decision !== 'not_an_xray') add('care', false, t('why.whole'));
  return reasons;
}

// What is promised of a decision: of its side, or, in older models, of all decisions together.
function promiseOf(decision, { promises, doubt_band: band }, words) {
  if (!words) return t('why.no_band');
  const side = decision === 'fractured' ? promises?.fractured : promises?.missed;
  if (side) return t(`why.promise_${decision}`, { error: percent(side.error), confidence: percent(side.confidence) });
  const given = (value) => typeof value === 'number';
  return given(band.error) && given(band.confidence) ? t('why.promise', words) : t('why.no_promise');
}

/** A flag in a few words. */
export const flagText = (flag) => (has(`why.short.${flag}`) ? t(`why.short.${flag}`) : flag.replaceAll('_', ' '));

/** An error in plain words. */
export const errorText = ({ code }) => t(has(`error.${code}`) ? `error.${code}` : 'error.unexpected');

/** Whether trying again may help. */
export const worthAnother = ({ code }) => !['unreadable_image', 'no_image', 'too_many_pixels', 'unsupported_media_type', 'too_large', 'missing'].includes(code);
