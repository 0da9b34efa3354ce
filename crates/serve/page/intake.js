// Ways in: dropped (folders too), pasted, chosen, or one of the examples.
import { $, el } from './dom.js';
import { EXAMPLES } from './examples.js';
import { t } from './text.js';

/** Calls `add` with `{name, file, example}`s. */
export function startIntake(add) {
  const take = (files) => add(files.map(({ name, file }) => ({ name, file })));
  startChooser(take);
  startDrop(take);
  window.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) take(files.map((file) => ({ name: file.name, file })));
  });
  startExamples(add);
}

function startChooser(take) {
  const chooser = $('chooser');
  for (const button of document.querySelectorAll('[data-choose]')) button.addEventListener('click', () => chooser.click());
  chooser.addEventListener('change', () => {
    const files = [...chooser.files].map((file) => ({ name: file.name, file }));
    // So that the same file can be chosen again.
    chooser.value = '';
    if (files.length > 0) take(files);
  });
}

function startDrop(take) {
  // Enter and leave come for every element that the pointer crosses.
  let depth = 0;
  const veil = (shown) => { $('veil').hidden = !shown; };
  const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');
  window.addEventListener('dragenter', (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    veil(true);
  });
  window.addEventListener('dragleave', (event) => {
    if (!carriesFiles(event)) return;
    depth = Math.max(0, depth - 1);
    veil(depth > 0);
  });
  window.addEventListener('dragover', (event) => carriesFiles(event) && event.preventDefault());
  window.addEventListener('drop', async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    veil(false);
    const files = await dropped(event.dataTransfer);
    if (files.length > 0) take(files);
  });
}

async function dropped(transfer) {
  // What is behind the items must be asked for before the first wait.
  const entries = [...transfer.items].filter((item) => item.kind === 'file').map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const files = [];
  for (const entry of entries) if (entry) await collect(entry, files);
  return files;
}

async function collect(entry, files) {
  if (entry instanceof File) files.push({ name: entry.name, file: entry });
  else if (entry.isFile) {
    const file = await new Promise((resolve, reject) => { entry.file(resolve, reject); }).catch(() => null);
    // Hidden files are the file manager's, not images.
    if (file && !file.name.startsWith('.')) files.push({ name: entry.fullPath.replace(/^\//, ''), file });
  } else if (entry.isDirectory) {
    const reader = entry.createReader();
    const inside = [];
    // A folder is read in portions; an empty one is the end.
    for (;;) {
      const portion = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); }).catch(() => []);
      if (portion.length === 0) break;
      inside.push(...portion);
    }
    inside.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
    for (const child of inside) await collect(child, files);
  }
}

function startExamples(add) {
  const pick = async (examples) => {
    const items = await Promise.all(examples.map(async (example) => {
      const response = await fetch(address(example)).catch(() => null);
      return response?.ok && { name: example.file, file: await response.blob(), example };
    }));
    add(items.filter(Boolean));
  };
  $('examples').append(...EXAMPLES.map((example) => el('li', {},
    el('button', { type: 'button', class: 'example', 'aria-label': t('examples.prefix', { name: nameOf(example) }), on: { click: () => pick([example]) } },
      el('img', { src: address(example), alt: '', width: '160', height: '160', loading: 'lazy', decoding: 'async' }),
      el('span', { text: nameOf(example) })))));
  const all = $('try-all');
  all.textContent = t('welcome.tryAll', { count: EXAMPLES.length });
  all.addEventListener('click', () => pick(EXAMPLES));
}

const address = (example) => `assets/examples/${example.file}`;
const nameOf = (example) => t(`examples.${example.name}`);
