// Light, dark, or as the system.
import { $ } from './dom.js';
import { icon } from './icons.js';
import { t } from './text.js';

const order = ['auto', 'light', 'dark'];
const root = document.documentElement;

const current = () => root.dataset.scheme ?? 'auto';

function show() {
  const label = t('scheme.label', { name: t(`scheme.${current()}`) });
  const button = $('scheme');
  button.replaceChildren(icon(current()));
  button.setAttribute('aria-label', label);
  button.title = label;
}

function choose(scheme) {
  if (scheme === 'auto') delete root.dataset.scheme;
  else root.dataset.scheme = scheme;
  try {
    if (scheme === 'auto') localStorage.removeItem('osteon-scheme');
    else localStorage.setItem('osteon-scheme', scheme);
  } catch {
    // Storage is forbidden: the choice holds until the page is closed.
  }
  show();
}

/** Makes the button go round. */
export function startScheme() {
  show();
  $('scheme').addEventListener('click', () => choose(order[(order.indexOf(current()) + 1) % order.length]));
}
