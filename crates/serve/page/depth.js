// A DICOM file's own levels, before anybody chose a window: native, RLE and lossless JPEG. Others are shown as the server decoded them.
import { numbersOf, parseDicom, windowsOf } from './dicom.js';
import { losslessJpeg } from './lossless.js';

const NATIVE = new Set(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.1.99', '1.2.840.10008.1.2.2']);
const RLE = '1.2.840.10008.1.2.5';
const LOSSLESS = new Set(['1.2.840.10008.1.2.4.57', '1.2.840.10008.1.2.4.70']);
// Enough for a header, without the pixels of a large file.
const HEAD = 256 * 1024;

/** The header of a file, read from its beginning alone; `null` where it is no DICOM file. */
export async function headerOf(file) {
  const bytes = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  return parseDicom(bytes);
}

/**
 * The first frame of a file in full depth: `{width, height, levels, bits, first, slope, intercept, dark, range, windows, exact}`, where the value behind the
 * level `i` is `(i + first) · slope + intercept`; `dark`: the greatest value is black; `range`: least and greatest value that is no padding. `null` where this page
 * cannot read it, or it has no more than 8 bits.
 */
export async function depthOf(file) {
  const header = await parseDicom(new Uint8Array(await file.arrayBuffer()));
  if (!header?.pixels || header.samples !== 1 || !(header.stored > 8) || header.allocated !== 16 || header.modalityTable) return null;
  if (!/^MONOCHROME[12]$/.test(header.photometric ?? '')) return null;
  const { rows, columns } = header;
  const raw = rawOf(header, rows * columns);
  if (!raw) return null;
  return levelsOf(raw, header);
}

function rawOf({ syntax, pixels, rows, columns, little }, count) {
  if (NATIVE.has(syntax)) {
    if (!pixels.bytes || pixels.bytes.length < 2 * count) return null;
    const view = new DataView(pixels.bytes.buffer, pixels.bytes.byteOffset, 2 * count);
    const raw = new Uint16Array(count);
    for (let place = 0; place < count; place += 1) raw[place] = view.getUint16(2 * place, little);
    return raw;
  }
  if (!pixels.fragments?.length) return null;
  if (syntax === RLE) return unpackRle(pixels.fragments[0], count);
  if (!LOSSLESS.has(syntax)) return null;
  const found = losslessJpeg(joined(pixels.fragments));
  return found && found.width === columns && found.height === rows ? found.levels : null;
}

function joined(fragments) {
  if (fragments.length === 1) return fragments[0];
  const all = new Uint8Array(fragments.reduce((sum, one) => sum + one.length, 0));
  let place = 0;
  for (const one of fragments) {
    all.set(one, place);
    place += one.length;
  }
  return all;
}

// PackBits, a segment for the high bytes and one for the low ones (PS3.5, annex G).
function unpackRle(bytes, count) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64 || view.getUint32(0, true) !== 2) return null;
  const starts = [view.getUint32(4, true), view.getUint32(8, true), bytes.length];
  const levels = new Uint16Array(count);
  for (let segment = 0; segment < 2; segment += 1) {
    const shift = segment === 0 ? 8 : 0;
    let [place, out] = [starts[segment], 0];
    while (place < starts[segment + 1] && out < count) {
      const run = view.getInt8(place);
      place += 1;
      if (run >= 0) {
        for (let left = run; left >= 0 && out < count && place < bytes.length; left -= 1, out += 1, place += 1) levels[out] |= bytes[place] << shift;
      } else if (run > -128) {
        for (let left = -run; left >= 0 && out < count; left -= 1, out += 1) levels[out] |= bytes[place] << shift;
        place += 1;
      }
    }
    if (out < count) return null;
  }
  return levels;
}

function levelsOf(raw, header) {
  const { stored, signed } = header;
  const high = header.high ?? stored - 1;
  const shift = Math.max(0, high + 1 - stored);
  const mask = 2 ** stored - 1;
  const first = signed === 1 ? -(2 ** (stored - 1)) : 0;
  const levels = new Uint16Array(raw.length);
  const { padding } = header;
  const paddingEnd = header.paddingEnd ?? padding;
  const [low, top] = padding === undefined ? [Infinity, -Infinity] : [Math.min(padding, paddingEnd) - first, Math.max(padding, paddingEnd) - first];
  let [least, greatest] = [Infinity, -Infinity];
  for (let place = 0; place < raw.length; place += 1) {
    let value = (raw[place] >> shift) & mask;
    // Two's complement, moved so that the least level is 0.
    if (signed === 1) value = (value ^ -first) & mask;
    levels[place] = value;
    if (value >= low && value <= top) continue;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  if (least > greatest) [least, greatest] = [0, mask];
  const [slope = 1] = numbersOf(header.slope);
  const [intercept = 0] = numbersOf(header.intercept);
  const value = (level) => (level + first) * (slope || 1) + intercept;
  return {
    width: header.columns, height: header.rows, levels, first, slope: slope || 1, intercept, dark: header.photometric === 'MONOCHROME1', bits: stored,
    range: [value(least), value(greatest)].sort((a, b) => a - b), windows: windowsOf(header), exact: header.voiFunction === 'LINEAR_EXACT',
  };
}
