// What DICOM files say of themselves: which images belong to one study, and the header's fields.
import { headerOf } from './depth.js';
import { spacingOf } from './dicom.js';
import { t } from './text.js';

/** Reads the headers of new images, and notes them in `films`; most files are no DICOM, which their first bytes tell. */
export async function readHeaders(films, added) {
  // An image lets go of its file as soon as it is judged.
  for (const { film, file } of added.map((one) => ({ film: one, file: one.file }))) {
    const header = file && (await headerOf(file).catch(() => null));
    if (!header) continue;
    films.update(film, { header, study: header.study || null, source: file });
    films.regroup();
  }
}

/** The header's fields that a reader of the image asks for, as `[name, value]`s; who the patient is is not among them. */
export function headerRows(header) {
  const spacing = spacingOf(header);
  const words = (...parts) => parts.filter(Boolean).join(' ') || null;
  return [
    ['body', words(header.body, header.view, header.imageSide || header.side)],
    ['modality', words(header.modality, header.series)],
    ['date', header.date?.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3')],
    ['machine', words(header.manufacturer, header.machine)],
    ['kvp', header.kvp && `${header.kvp}\u202fkV`],
    ['depth', header.stored && t('header.bits', { bits: String(header.stored) })],
    ['photometric', header.photometric],
    ['spacing', spacing && t(spacing.detector ? 'header.atDetector' : 'header.millimetres', { value: spacing.millimetres.map((one) => Number(one.toPrecision(4))).join(' × ') })],
  ].filter(([, value]) => value).map(([key, value]) => [t(`header.${key}`), value]);
}
