// Answers as files: CSV and JSON.
import { kindOf } from './films.js';

const COLUMNS = ['name', 'decision', 'score', 'xray_score', 'flags', 'threshold', 'doubt_low', 'doubt_high', 'width', 'height', 'sha256', 'error', 'detail', 'study', 'agree', 'note'];

/** The films as CSV (RFC 4180), a row each; scores in full. */
export function csvOf(films) {
  const rows = films.filter(answered).map((film) => {
    const { prediction, model, error, study, reading } = film;
    return [
      film.name, prediction?.decision, prediction?.score, prediction?.xray_score, prediction?.flags?.join(' '), model?.threshold,
      model?.doubt_band?.low, model?.doubt_band?.high, prediction?.width, prediction?.height, prediction?.sha256, error?.code, error?.detail,
      study, { true: 'yes', false: 'no' }[reading.agree], reading.note || null,
    ];
  });
  return [COLUMNS, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value) {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  // A spreadsheet takes such a text for a formula: a file's name must not become one.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The films as the server answered, without pictures. */
export function jsonOf(films) {
  const done = films.filter(answered);
  const model = done.find((film) => film.model)?.model ?? null;
  const predictions = done.map(({ name, prediction, error, study, reading }) => (prediction
    ? { ...prediction, index: undefined, name, ...(study && { study }), ...(said(reading) && { reading }) }
    : { name, error: { code: error.code, status: error.status, detail: error.detail, request_id: error.request } }));
  return `${JSON.stringify({ model, predictions }, null, 2)}\n`;
}

const said = ({ agree, note }) => agree !== null || note !== '';
const answered = (film) => kindOf(film) !== 'pending';

/** Hands a text to the browser as a file. */
export function save(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The download has begun once this task is over.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
