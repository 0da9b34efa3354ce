// The score on its scale, with the doubt band and the threshold that it is held against.
import { el } from './dom.js';
import { percent, t } from './text.js';
import { bandText } from './verdict.js';

const WIDTH = 320;
const EDGE = 8;
const RAIL = { top: 26, height: 14 };

const at = (share) => EDGE + share * (WIDTH - 2 * EDGE);

/** A picture of `score` (0..=1) and what `model` holds it against. */
export function scaleOf(score, decision, model) {
  const { doubt_band: band, threshold } = model;
  const bottom = RAIL.top + RAIL.height;
  const label = t('score.alt', { score: percent(score), threshold: percent(threshold), band: bandText(model) });
  const cut = at(threshold);
  const needle = at(score);
  return el('div', { class: 'scale' },
    el('svg:svg', { viewBox: `0 0 ${WIDTH} 62`, role: 'img', 'aria-label': label },
      el('svg:rect', { class: 'rail', x: at(0), y: RAIL.top, width: at(1) - at(0), height: RAIL.height, rx: 3 }),
      band && el('svg:rect', { class: 'band', x: at(band.low), y: RAIL.top, width: Math.max(1, at(band.high) - at(band.low)), height: RAIL.height, rx: 3 }),
      el('svg:path', { class: 'cut', d: `M${cut} ${RAIL.top - 5}V${bottom + 5}` }),
      [0, 0.25, 0.5, 0.75, 1].map((tick) => [
        el('svg:path', { class: 'tick', d: `M${at(tick)} ${bottom + 3}v4` }),
        el('svg:text', { class: 'tick-text', x: at(tick), y: 59, 'text-anchor': tick === 0 ? 'start' : tick === 1 ? 'end' : 'middle', text: String(tick * 100) }),
      ]),
      el('svg:path', { class: `needle ${decision}`, d: `M${needle} ${RAIL.top + RAIL.height - 2}L${needle - 7.5} ${RAIL.top - 8}a9 9 0 1 1 15 0Z` }),
      el('svg:circle', { class: 'needle-eye', cx: needle, cy: RAIL.top - 13, r: 3 })),
    el('p', { class: 'scale-key', 'aria-hidden': 'true' },
      el('span', {}, el('i', { class: 'key-cut' }), t('score.threshold', { value: percent(threshold) })),
      el('span', {}, band && el('i', { class: 'key-band' }), bandText(model))));
}
