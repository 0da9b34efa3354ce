// The server, as this page asks it. Addresses are relative: the page also works behind a proxy under a path of its own.

// Kept in memory only, and sent to the server that gave this page only.
let token = null;

/** Sets the bearer token for all that follows. */
export function useToken(value) {
  token = value;
}

/** The bearer token in use, if there is one. */
export const tokenInUse = () => token;

/** What went wrong, in the server's terms: `code` as in its problem documents, or `unreachable`, `unexpected`; `retryAfter` in seconds, if it said so; `token` as it was sent. */
export class Problem extends Error {
  constructor(code, { status = null, detail = null, request = null, retryAfter = null } = {}) {
    super(code);
    Object.assign(this, { code, status, detail, request, retryAfter });
  }
}

/** From a problem document (RFC 9457), as the server sends it for a request or within an answer for one image. */
export function problemFrom(body, status = null, retryAfter = null) {
  const code = typeof body?.code === 'string' ? body.code : codeOf(status);
  const detail = typeof body?.detail === 'string' ? body.detail : null;
  const request = typeof body?.request_id === 'string' ? body.request_id : null;
  return new Problem(code, { status: body?.status ?? status, detail, request, retryAfter });
}

// A proxy in between may answer without a problem document.
function codeOf(status) {
  const codes = { 401: 'unauthorized', 413: 'too_large', 415: 'unsupported_media_type', 429: 'rate_limited', 502: 'unreachable', 503: 'overloaded', 504: 'timeout' };
  return codes[status] ?? (status >= 500 ? 'internal' : 'unexpected');
}

/** Seconds until `Retry-After` (a number of them, or a date), at least one; `null` where it is absent or makes no sense. */
export function retryAfter(header, now = Date.now()) {
  if (header === null || header.trim() === '') return null;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : null;
}

async function ask(path, options = {}) {
  const sent = token;
  const headers = sent ? { authorization: `Bearer ${sent}` } : {};
  let response;
  try {
    response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...options, headers });
  } catch {
    throw options.signal?.aborted ? options.signal.reason : new Problem('unreachable');
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  const problem = problemFrom(body, response.status, retryAfter(response.headers.get('retry-after')));
  throw Object.assign(problem, { token: sent });
}

async function json(response, signal = null) {
  try {
    return await response.json();
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    // The connection was cut within the answer, or it is not the server that we know.
    throw new Problem(cause instanceof SyntaxError ? 'unexpected' : 'unreachable');
  }
}

/** What the model says of itself. */
export const getModel = async () => json(await ask('api/v1/model'));

/** The model card as Markdown. */
export const getCard = async () => (await ask('api/v1/model/card')).text();

/**
 * Judges `{name, file}`s: `{model, predictions}`, a prediction or an error for each, in their order. `point`: the operating point to decide at, or `null`
 * for the server's; `anyway`: decide also what looks like no radiograph. Fails with the signal's reason where it is aborted.
 */
export async function predict(items, signal, { point = null, anyway = false } = {}) {
  const form = new FormData();
  for (const { name, file } of items) form.append('film', file, name);
  const answer = await json(await ask(`api/v1/predictions?${asked(point, anyway)}`, { method: 'POST', body: form, signal }), signal);
  if (!Array.isArray(answer?.predictions) || answer.predictions.length !== items.length) throw new Problem('unexpected');
  return answer;
}

function asked(point, anyway) {
  const query = new URLSearchParams({ heatmap: 'png', picture: 'png' });
  if (point !== null) query.set('operating_point', point);
  if (anyway) query.set('judge_anyway', 'true');
  return query;
}
