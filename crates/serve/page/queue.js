// Images on their way to the server: a few at a time, several requests at once, waiting when the server asks for it.
import { Problem, predict, problemFrom } from './api.js';

// At most, at once.
const REQUESTS = 4;
// At most in one request.
const FILMS = 8;
// Together in one request; a larger image goes alone.
const BYTES = 16 * 1024 * 1024;
const ATTEMPTS = 6;
const LONGEST_WAIT = 60;
const BUSY = new Set(['rate_limited', 'overloaded', 'unavailable', 'timeout']);

/**
 * Sends images and notes the answers in `films`. `askToken` is called with the token that the server has just refused, or `null`; it gives whether
 * to go on with another. Events: `change` whenever `done`, `total`, `running` or `waiting` (seconds, or `null`) did.
 */
export class Queue extends EventTarget {
  #films;
  #askToken;
  #waiting = [];
  #requests = 0;
  #abort = new AbortController();
  #pause = null;
  // Less where the server turned out to be slow.
  #most = { requests: REQUESTS, films: FILMS };
  done = 0;
  total = 0;
  waiting = null;
  /** The operating point to decide at; `null`: the server's. */
  point = null;

  constructor(films, askToken) {
    super();
    this.#films = films;
    this.#askToken = askToken;
  }

  /** Whether anything is still to be judged. */
  get running() {
    return this.#requests > 0 || this.#waiting.length > 0;
  }

  /** Adds images to the end. */
  send(films) {
    if (!this.running) this.done = this.total = 0;
    this.total += films.length;
    for (const film of films) this.#films.update(film, { state: 'waiting', error: null });
    this.#waiting.push(...films);
    this.#go();
  }

  /** Sends images that have their answer once more, because they are to be decided otherwise. */
  resend(films) {
    const known = films.filter((film) => film.original);
    for (const film of known) film.file = film.original;
    if (known.length > 0) this.send(known);
  }

  /** Gives up all that is not judged yet, for a reason. */
  stop(problem = new Problem('stopped')) {
    this.waiting &&= 0;
    this.#abort.abort(problem);
    this.#abort = new AbortController();
    for (const film of this.#waiting.splice(0)) this.#fail(film, problem);
    this.#tell();
  }

  #go() {
    while (this.#requests < this.#most.requests && this.#waiting.length > 0) {
      const batch = this.#batch();
      this.#requests += 1;
      this.#judge(batch, this.#abort.signal).finally(() => {
        this.#requests -= 1;
        this.#go();
      });
    }
    this.#tell();
  }

  // Small at first, so that the first answers come soon and all requests have work.
  #batch() {
    const most = Math.min(this.#most.films, Math.max(1, Math.ceil(this.#waiting.length / (2 * REQUESTS))));
    const batch = [];
    let bytes = 0;
    while (batch.length < most && this.#waiting.length > 0) {
      bytes += this.#waiting[0].file.size;
      // A request decides all its images by one rule.
      if (batch.length > 0 && (bytes > BYTES || Boolean(this.#waiting[0].anyway) !== Boolean(batch[0].anyway))) break;
      batch.push(this.#waiting.shift());
    }
    return batch;
  }

  // `signal` is that of the time when the images were taken up: one that is stopped stays so, whatever was sent since.
  async #judge(batch, signal) {
    for (let attempt = 1; ; attempt += 1) {
      await this.#pause;
      if (signal.aborted) return this.#failAll(batch, signal.reason);
      try {
        for (const film of batch) this.#films.update(film, { state: 'sending' });
        this.#note(batch, await predict(batch, signal, { point: this.point, anyway: Boolean(batch[0].anyway) }));
        return;
      } catch (cause) {
        if (signal.aborted) return this.#failAll(batch, signal.reason);
        const problem = cause instanceof Problem ? cause : new Problem('unexpected', { detail: String(cause) });
        if (!(await this.#mayGoOn(problem, attempt, batch, signal))) return;
      }
    }
  }

  // Whether to send the batch again; where not, its images are dealt with.
  async #mayGoOn(problem, attempt, batch, signal) {
    if (problem.code === 'unauthorized') {
      if (await this.#askToken(problem.token)) return true;
      // Nobody wants to be asked again for each of the other images. Several requests may have waited for this one answer.
      if (!signal.aborted) this.stop(problem);
    } else if (BUSY.has(problem.code) && attempt < ATTEMPTS) {
      if (problem.code !== 'rate_limited') this.#ease();
      if (problem.code === 'timeout' && batch.length > 1) return this.#singly(batch, signal);
      this.#wait(Math.min(LONGEST_WAIT, problem.retryAfter ?? 2 ** (attempt - 1)));
      return true;
    } else if (batch.length > 1 && ['too_large', 'too_many_files', 'unreachable'].includes(problem.code)) {
      return this.#singly(batch, signal);
    }
    if (problem.code === 'unreachable' && !(await readable(batch[0].file))) problem = new Problem('missing');
    this.#failAll(batch, problem);
    return false;
  }

  // What is too much together may be fine image by image, and one that can no longer be read must not take the others with it.
  async #singly(batch, signal) {
    for (const film of batch) await this.#judge([film], signal);
    return false;
  }

  #ease() {
    this.#most.requests = Math.max(1, this.#most.requests >> 1);
    this.#most.films = Math.max(1, this.#most.films >> 1);
  }

  // All requests wait together: the server meant this page, not one request.
  #wait(seconds) {
    this.#pause ??= (async () => {
      for (this.waiting = seconds; this.waiting > 0; this.waiting -= 1) {
        this.#tell();
        await new Promise((wake) => {
          const timer = setTimeout(wake, 1000);
          this.#abort.signal.addEventListener('abort', () => { clearTimeout(timer); wake(); }, { once: true });
        });
      }
      this.waiting = null;
      this.#pause = null;
      this.#tell();
    })();
  }

  #note(batch, { model, predictions }) {
    batch.forEach((film, place) => {
      const answer = predictions[place];
      if (answer.error) return this.#fail(film, problemFrom(answer.error));
      const { heatmap, picture, ...prediction } = answer;
      const heat = heatmap && { blob: blobOf(heatmap.png), kind: heatmap.kind, boxes: heatmap.boxes ?? [] };
      this.done += 1;
      this.#films.update(film, { state: 'done', prediction, model, heat, picture: picture && blobOf(picture.png), original: film.file, file: null });
    });
    this.#tell();
  }

  #failAll(batch, problem) {
    for (const film of batch) this.#fail(film, problem);
    this.#tell();
  }

  #fail(film, problem) {
    this.done += 1;
    this.#films.update(film, { state: 'failed', error: problem });
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}

// Whether the file is still there as it was when it was chosen.
async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function blobOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: 'image/png' });
}
