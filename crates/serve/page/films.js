// The images of this page: what is known of each, which is looked at, which are shown and in what order. Held in memory and nowhere else.

/** Decisions in the order in which a person would look at the images; `failed` and `pending` stand for images without one. */
export const KINDS = ['fractured', 'doubt', 'not_fractured', 'not_an_xray', 'failed', 'pending'];

const byName = new Intl.Collator('en', { numeric: true });
const scoreOf = (film) => (kindOf(film) === 'not_an_xray' ? undefined : film.prediction?.score);

const orders = {
  added: (a, b) => a.id - b.id,
  // Images without a score come last either way.
  high: (a, b) => (scoreOf(b) ?? -1) - (scoreOf(a) ?? -1),
  low: (a, b) => (scoreOf(a) ?? 2) - (scoreOf(b) ?? 2),
  name: (a, b) => byName.compare(a.name, b.name),
  decision: (a, b) => KINDS.indexOf(kindOf(a)) - KINDS.indexOf(kindOf(b)),
};

/** The names of the orders. */
export const ORDERS = Object.keys(orders);

/** The decision on an image, or `failed` or `pending`. */
export function kindOf(film) {
  if (film.state === 'done') return film.prediction.decision;
  return film.state === 'failed' ? 'failed' : 'pending';
}

/** Where an answer comes from; nothing of what was refused: there is no answer then. */
export const heatOf = (film) => (kindOf(film) === 'not_an_xray' ? null : film.heat);

/** Whether the server saw a reason to be careful with this image. */
export const flagged = (film) => (film.prediction?.flags?.length ?? 0) > 0;

// Images of one study stand together, where the first of them stands.
function together(films) {
  const studies = new Map();
  for (const film of films) if (film.study) studies.set(film.study, [...(studies.get(film.study) ?? []), film]);
  return films.flatMap((film) => {
    const study = film.study ? studies.get(film.study) : [film];
    return study[0] === film ? study : [];
  });
}

/**
 * All images. Events: `list` (images came, went, or are ordered or filtered anew), `film` (`detail`: one of them changed), `note` (`detail`: something was said of it), `chosen` (another one is looked at).
 */
export class Films extends EventTarget {
  #films = [];
  #next = 0;
  order = 'high';
  filter = 'all';
  chosen = null;

  /**
   * Adds `{name, file, example}`s and gives the images. An image: `id`, `name`, `file` (until it is judged; then `original`), `state`, and `prediction` or `error`; of a
   * DICOM file its `header`, `study` and the file as `source`; what the person who looks says of it as `reading`.
   */
  add(items) {
    const added = items.map((item) => ({ id: this.#next++, state: 'waiting', prediction: null, error: null, picture: null, heat: null, model: null, header: null, source: null, study: null, reading: { agree: null, note: '' }, ...item }));
    this.#films.push(...added);
    this.#tell('list');
    return added;
  }

  /** Notes what became of an image. */
  update(film, changes) {
    Object.assign(film, changes);
    this.#tell('film', film);
  }

  /** The person who looks said something of an image. */
  note(film) {
    this.#tell('note', film);
  }

  /** Images were found to belong together. */
  regroup() {
    this.#tell('list');
  }

  /** Removes all. */
  clear() {
    this.#films = [];
    this.filter = 'all';
    this.chosen = null;
    this.#tell('list');
    this.#tell('chosen');
  }

  /** Looks at an image. */
  choose(film) {
    if (this.chosen === film) return;
    this.chosen = film;
    this.#tell('chosen');
  }

  /** Shows images of one kind, of `flagged`, or of `all`. */
  show(filter) {
    this.filter = filter;
    this.#tell('list');
  }

  /** Orders them. */
  sort(order) {
    this.order = order;
    this.#tell('list');
  }

  /** All, as they were added. */
  get all() {
    return this.#films;
  }

  /** Those shown, in their order. */
  get shown() {
    const films = this.#films.filter((film) => this.filter === 'all' || (this.filter === 'flagged' ? flagged(film) : kindOf(film) === this.filter));
    return together(films.sort((a, b) => orders[this.order](a, b) || a.id - b.id));
  }

  /** How many there are of each kind, of `flagged` and of `all`. */
  get counts() {
    const counts = { all: this.#films.length, flagged: this.#films.filter(flagged).length };
    for (const kind of KINDS) counts[kind] = this.#films.filter((film) => kindOf(film) === kind).length;
    return counts;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
