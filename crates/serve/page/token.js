// Asking for the bearer token where the server wants one. It is kept in memory and forgotten with the page.
import { tokenInUse, useToken } from './api.js';
import { $ } from './dom.js';

let asking = null;

/** Asks for another token than the one just refused; gives whether there is one now. Several who ask at once share one dialog. */
export function askToken(refused) {
  // Another request was refused first, and the answer is there already.
  if (tokenInUse() !== (refused ?? null)) return Promise.resolve(true);
  asking ??= open(Boolean(refused)).finally(() => { asking = null; });
  return asking;
}

function open(wrong) {
  const dialog = $('token');
  const value = $('token-value');
  $('token-wrong').hidden = !wrong;
  value.value = '';
  dialog.returnValue = '';
  dialog.showModal();
  value.focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      const given = dialog.returnValue === 'given' && value.value.trim();
      value.value = '';
      if (given) useToken(given);
      resolve(Boolean(given));
    }, { once: true });
  });
}

/** Makes the dialog's buttons work. */
export function startToken() {
  $('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    $('token').close('given');
  });
  $('token-cancel').addEventListener('click', () => $('token').close(''));
}
