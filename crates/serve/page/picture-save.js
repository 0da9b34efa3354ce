// The picture as it is looked at, as a file: heat, outlines and ruler on it, the answer below it. And how long a line on it is.
import { spacingOf } from './dicom.js';
import { kindOf } from './films.js';
import { drawLayers } from './stage.js';
import { modelName, percent, t } from './text.js';

/** How long a line between two places of the picture (shares of its sides) is: `text` beside it, `says` in a sentence. Without a known spacing, in the file's pixels. */
export function lengthOf({ from, to }, film, pixels) {
  const spacing = film?.header ? spacingOf(film.header) : null;
  const width = film?.header?.columns ?? film?.prediction?.width ?? pixels.width;
  const height = film?.header?.rows ?? film?.prediction?.height ?? pixels.height;
  const [across, down] = [(to[0] - from[0]) * width, (to[1] - from[1]) * height];
  if (!spacing) {
    const text = t('viewer.pixels', { count: Math.round(Math.hypot(across, down)) });
    return { text, says: t('viewer.lengthPixels', { length: text }) };
  }
  const millimetres = Math.hypot(across * spacing.millimetres[1], down * spacing.millimetres[0]);
  const text = `${millimetres.toFixed(millimetres < 10 ? 2 : 1)}\u202fmm`;
  return { text, says: t(spacing.detector ? 'viewer.lengthDetector' : 'viewer.length', { length: text }) };
}

/** Hands the scene to the browser as a PNG file. */
export function savePicture(film, scene) {
  const canvas = captioned(film, scene);
  canvas.toBlob((blob) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `${film.name.replace(/^.*[/\\]/, '').replace(/\.[^.]*$/, '')}-osteon.png`;
    link.click();
    // The download has begun once this task is over.
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }, 'image/png');
}

function captioned(film, scene) {
  const { width, height } = scene.film;
  const size = Math.max(11, Math.round(Math.max(width, height) / 55));
  const lines = linesOf(film);
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(width, 26 * size);
  canvas.height = height + Math.round((lines.length * 1.45 + 0.9) * size);
  const context = canvas.getContext('2d');
  context.fillStyle = '#0b0f11';
  context.fillRect(0, 0, canvas.width, canvas.height);
  drawLayers(context, scene, { left: (canvas.width - width) / 2, top: 0, across: width, down: height, unit: Math.max(1, size / 13) });
  context.textBaseline = 'top';
  lines.forEach((line, place) => {
    context.font = `${place === 0 ? 600 : 400} ${size}px system-ui, sans-serif`;
    context.fillStyle = place === 0 ? '#ffffff' : '#c6d2d7';
    context.fillText(line, size * 0.8, height + (0.6 + place * 1.45) * size, canvas.width - 1.6 * size);
  });
  return canvas;
}

function linesOf(film) {
  const kind = kindOf(film);
  const judged = kind !== 'failed' && kind !== 'pending';
  const score = judged && kind !== 'not_an_xray' ? `, ${t('list.score', { score: percent(film.prediction.score) })}` : '';
  return [
    `${film.name}: ${t(`decision.${kind}.name`)}${score}`,
    judged && `${modelName(film.model)}, ${film.model.program}`,
    `${t('notice.strong')} ${t('notice.rest')}`,
  ].filter(Boolean);
}
