// The page of `osteon serve`: images in, answers out. This file puts the parts together.
import { modelOf, startCard } from './card.js';
import { $, announce } from './dom.js';
import { csvOf, jsonOf, save } from './download.js';
import { readHeaders } from './exams.js';
import { Films, KINDS, kindOf } from './films.js';
import { fillIcons } from './icons.js';
import { startIntake } from './intake.js';
import { List } from './list.js';
import { Queue } from './queue.js';
import { showReading } from './reading.js';
import { printReport } from './report.js';
import { callOf, resultOf } from './result.js';
import { rulesOf } from './rules.js';
import { startScheme } from './scheme.js';
import { fillTexts, modelName, t } from './text.js';
import { askToken, startToken } from './token.js';
import { worthAnother } from './verdict.js';
import { Viewer } from './viewer.js';

fillTexts();
fillIcons();
document.title = t('title');
startScheme();
startToken();
startCard();

const films = new Films();
const queue = new Queue(films, askToken);
const viewer = new Viewer();
new List(films, choose);
startIntake(add);
showPlace();

const narrow = matchMedia('(max-width: 47.99rem)');

function add(items) {
  if (items.length === 0) return;
  const first = films.all.length === 0;
  const added = films.add(items);
  showPlace();
  announce(t('announce.added', { count: added.length }));
  readHeaders(films, added);
  queue.send(added);
  // A single image is what a person wants to see; of several, a small screen shows the list first.
  if (added.length === 1 || (first && !narrow.matches)) choose(added[0], added.length === 1);
  if (first) $(added.length === 1 ? 'film-name' : 'rail-title').focus();
}

/** Looks at an image; `open`: on a small screen, in place of the list. */
function choose(film, open) {
  films.choose(film);
  if (open && $('work').dataset.view !== 'film') {
    $('work').dataset.view = 'film';
    if (narrow.matches) {
      // So that a phone's back button leads to the list.
      history.pushState({ film: true }, '');
      scrollTo(0, 0);
      $('film-name').focus({ preventScroll: true });
    }
  }
}

function closeFilm() {
  $('work').dataset.view = 'list';
  document.querySelector('.row[aria-current]')?.focus();
}

$('back').addEventListener('click', () => (history.state?.film ? history.back() : closeFilm()));
addEventListener('popstate', closeFilm);

// The page as a whole: the welcome without images, the work with some.
function showPlace() {
  const some = films.all.length > 0;
  $('welcome').hidden = some;
  $('work').hidden = !some;
}

function step(by) {
  const shown = films.shown;
  const to = shown[shown.indexOf(films.chosen) + by];
  if (to) films.choose(to);
}

$('previous').addEventListener('click', () => step(-1));
$('next').addEventListener('click', () => step(1));

function showChosen() {
  const film = films.chosen;
  $('film').hidden = !film;
  $('film').dataset.kind = film ? kindOf(film) : '';
  viewer.show(film);
  if (!film) return;
  $('film-name').textContent = film.name;
  $('call').replaceChildren(callOf(film));
  $('verdict').replaceChildren(...resultOf(film, () => queue.send([film])), ...rulesOf(film, decideOtherwise));
  showReading(film, (changed) => films.note(changed));
  showSteps();
}

// A person wants images decided by another rule: all at another operating point, or one that looks like no radiograph.
function decideOtherwise({ point, anyway }) {
  if (point !== undefined) {
    queue.point = point;
    queue.resend(films.all.filter((film) => film.state === 'done'));
  } else if (anyway) {
    anyway.anyway = true;
    queue.resend([anyway]);
  }
}

function showSteps() {
  const shown = films.shown;
  const place = shown.indexOf(films.chosen);
  $('previous').disabled = place <= 0;
  $('next').disabled = place < 0 || place >= shown.length - 1;
}

films.addEventListener('chosen', showChosen);
films.addEventListener('film', ({ detail }) => detail === films.chosen && showChosen());
films.addEventListener('list', showSteps);

let busy = false;
queue.addEventListener('change', () => {
  const { done, total, waiting, running } = queue;
  $('progress').hidden = !running;
  $('progress-bar').max = Math.max(1, total);
  $('progress-bar').value = done;
  $('progress-text').textContent = waiting > 0 ? t('progress.waiting', { seconds: waiting, done, total }) : t('progress.running', { done, total });
  const again = films.all.filter((film) => film.state === 'failed' && film.file && worthAnother(film.error));
  $('retry').hidden = running || again.length === 0;
  $('retry').textContent = t('list.retry', { count: again.length });
  if (busy && !running) announceEnd();
  busy = running;
});

function announceEnd() {
  const judged = films.all.filter((film) => film.state === 'done');
  const failed = films.all.filter((film) => film.state === 'failed').length;
  const counts = KINDS.map((kind) => [kind, judged.filter((film) => kindOf(film) === kind).length]).filter(([, count]) => count > 0);
  const parts = counts.map(([kind, count]) => `${count} ${t(`decision.${kind}.name`).toLowerCase()}`);
  announce([t('progress.finished', { count: judged.length }), parts.join(', '), failed > 0 && t('progress.failed', { count: failed })].filter(Boolean).join(' '));
}

$('stop').addEventListener('click', () => queue.stop());
$('retry').addEventListener('click', () => queue.send(films.all.filter((film) => film.state === 'failed' && film.file && worthAnother(film.error))));
$('save-csv').addEventListener('click', () => save('osteon.csv', 'text/csv;charset=utf-8', csvOf(films.shown)));
$('save-json').addEventListener('click', () => save('osteon.json', 'application/json', jsonOf(films.shown)));
$('print').addEventListener('click', () => printReport(films.shown));
$('clear').addEventListener('click', () => {
  queue.stop();
  films.clear();
  $('work').dataset.view = 'list';
  showPlace();
  announce(t('announce.cleared'));
  document.querySelector('#welcome [data-choose]').focus();
});

modelOf(false).then((model) => {
  const parts = [model.program, t('footer.model', { name: modelName(model) }), model.licence && t('footer.source', { licence: model.licence })];
  $('about-line').textContent = parts.filter(Boolean).join(' · ');
}, () => {
  // Without a token, or without a server: whoever sends an image is told.
});
