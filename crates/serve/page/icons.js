// The page's few signs, drawn on a 20 × 20 grid. They carry the decision's shape, so that colour is never alone in saying it.
import { el } from './dom.js';

const paths = {
  fractured: ['M10 3 18 17H2Z', 'M10 8v4.2M10 14.4v.2'],
  doubt: ['M10 2 18 10 10 18 2 10Z', 'M8.2 8.2a1.9 1.9 0 1 1 2.7 1.8c-.6.3-.9.7-.9 1.3M10 13.4v.2'],
  not_fractured: ['M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15Z', 'm6.8 10.2 2.2 2.2 4.2-4.6'],
  not_an_xray: ['M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15Z', 'm4.9 4.9 10.2 10.2'],
  failed: ['M4 2.5h12a1.5 1.5 0 0 1 1.5 1.5v12a1.5 1.5 0 0 1-1.5 1.5H4A1.5 1.5 0 0 1 2.5 16V4A1.5 1.5 0 0 1 4 2.5Z', 'm7 7 6 6M13 7l-6 6'],
  pending: ['M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15Z', 'M10 6v4l2.6 1.6'],
  plus: [null, 'M10 4v12M4 10h12'],
  minus: [null, 'M4 10h12'],
  fit: [null, 'M3 7.5V3h4.5M12.5 3H17v4.5M17 12.5V17h-4.5M7.5 17H3v-4.5'],
  invert: ['M10 3a7 7 0 1 0 0 14Z', 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14Z'],
  ruler: [null, 'm2.5 13.5 11-11 4 4-11 11ZM6 10l1.600 1.600M8.500 7.500l2.200 2.200M11 5l1.600 1.600'],
  save: [null, 'M10 3v9M6 8.500l4 4 4-4M3.500 16.500h13'],
  full: [null, 'M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4M7.500 7.500 3.300 3.300M12.500 7.500l4.200-4.200M12.500 12.500l4.200 4.200M7.500 12.500l-4.200 4.200'],
  tiles: [null, 'M3 3h5.500v5.500H3ZM11.500 3H17v5.500h-5.500ZM3 11.500h5.500V17H3ZM11.500 11.500H17V17h-5.500Z'],
  agree: [null, 'm4 10.500 4 4 8-9'],
  reset: [null, 'M4.2 8A6.2 6.2 0 1 1 4 11.5M4 4v4h4'],
  back: [null, 'm12 4-6 6 6 6'],
  next: [null, 'm8 4 6 6-6 6'],
  close: [null, 'm5 5 10 10M15 5 5 15'],
  auto: ['M10 3a7 7 0 1 0 0 14Z', 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14Z'],
  light: [null, 'M10 6.8a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4ZM10 2v1.8M10 16.2V18M2 10h1.8M16.2 10H18M4.3 4.3l1.3 1.3M14.4 14.4l1.3 1.3M4.3 15.7l1.3-1.3M14.4 5.6l1.3-1.3'],
  dark: [null, 'M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5Z'],
  care: ['M10 2.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15Z', 'M10 6v5M10 13.8v.2'],
  memory: [null, 'M4 10a6 6 0 1 0 2-4.5M4 3.5v3h3M10 6.5V10l2.5 1.5'],
  pen: [null, 'm4 16 .8-3.2L13.5 4l2.5 2.5L7.200 15.200Z'],
  promise: [null, 'M10 2.800 16 5v5c0 3.500-2.500 6-6 7.200C6.500 16 4 13.500 4 10V5Z'],
};

/** An icon by name; decoration only, the words beside it say the same. */
export function icon(name) {
  const [solid, line] = paths[name];
  return el('svg:svg', { class: 'icon', viewBox: '0 0 20 20', 'aria-hidden': 'true', focusable: 'false' },
    solid && el('svg:path', { class: 'solid', d: solid }),
    line && el('svg:path', { class: 'line', d: line }));
}

/** Puts the icons where the page's markup asks for them (`data-icon`). */
export function fillIcons(root = document) {
  for (const element of root.querySelectorAll('[data-icon]')) element.prepend(icon(element.dataset.icon));
}
