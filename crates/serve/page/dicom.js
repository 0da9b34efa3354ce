// The header of a DICOM file, as far as this page makes use of it. The file itself stays where it is: it was chosen by the person who looks at it.

const IMPLICIT = '1.2.840.10008.1.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
// Explicit value representations with a length of four bytes.
const LONG = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
const UNDEFINED = 0xffffffff;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
const PIXELS = 0x7fe00010;

const TEXTS = {
  charset: 0x00080005, date: 0x00080020, modality: 0x00080060, manufacturer: 0x00080070, series: 0x0008103e, machine: 0x00081090, body: 0x00180015,
  kvp: 0x00180060, spacingDetector: 0x00181164, magnification: 0x00181114, spacingScanned: 0x00182010, view: 0x00185101, study: 0x0020000d,
  side: 0x00200060, imageSide: 0x00200062, photometric: 0x00280004, frames: 0x00280008, spacing: 0x00280030, centers: 0x00281050,
  widths: 0x00281051, intercept: 0x00281052, slope: 0x00281053, explanations: 0x00281055, voiFunction: 0x00281056,
};
const NUMBERS = { samples: 0x00280002, rows: 0x00280010, columns: 0x00280011, allocated: 0x00280100, stored: 0x00280101, high: 0x00280102, signed: 0x00280103 };
// Read as the pixels are: signed or not.
const PIXEL_NUMBERS = { padding: 0x00280120, paddingEnd: 0x00280121 };
const SEQUENCES = { modalityTable: 0x00283000, voiTable: 0x00283010 };

/**
 * What a DICOM file says of itself: texts and numbers by the names above, `syntax`, and `pixels` as `{bytes}` or `{fragments}`, arrays of bytes; `null`
 * where it is no DICOM file. `bytes` may end before the pixels do: then there are none.
 */
export async function parseDicom(bytes) {
  if (bytes.length < 140 || textOf(bytes.subarray(128, 132)) !== 'DICM') return null;
  return parse(bytes).catch(() => null);
}

async function parse(bytes) {
  let reader = new Reader(bytes, 132, true, true);
  let syntax = IMPLICIT;
  for (;;) {
    const start = reader.place;
    const element = reader.element();
    if (!element || element.tag >>> 16 !== 2) {
      reader.place = start;
      break;
    }
    if (element.tag === 0x00020010) syntax = textOf(element.value);
  }
  let rest = bytes.subarray(reader.place);
  if (syntax === DEFLATED) {
    rest = new Uint8Array(await new Response(new Blob([rest]).stream().pipeThrough(new DecompressionStream('deflate-raw'))).arrayBuffer());
  }
  reader = new Reader(rest, 0, syntax !== BIG_ENDIAN, syntax !== IMPLICIT);
  const found = { syntax, little: syntax !== BIG_ENDIAN };
  const elements = new Map();
  try {
    for (let element = reader.element(); element; element = reader.element()) {
      elements.set(element.tag, element);
      if (element.tag === PIXELS) {
        found.pixels = element.fragments ? { fragments: element.fragments } : { bytes: element.value };
        break;
      }
    }
  } catch (cause) {
    // Cut off: what was read so far stands.
    if (!(cause instanceof RangeError)) throw cause;
  }
  const utf8 = elements.has(TEXTS.charset) && textOf(elements.get(TEXTS.charset).value).includes('192');
  for (const [name, tag] of Object.entries(TEXTS)) if (elements.has(tag)) found[name] = textOf(elements.get(tag).value, utf8);
  for (const [name, tag] of Object.entries(NUMBERS)) if (elements.has(tag)) found[name] = reader.short(elements.get(tag).value, false);
  for (const [name, tag] of Object.entries(PIXEL_NUMBERS)) if (elements.has(tag)) found[name] = reader.short(elements.get(tag).value, found.signed === 1);
  for (const [name, tag] of Object.entries(SEQUENCES)) found[name] = elements.has(tag) && elements.get(tag).length !== 0;
  return found;
}

class Reader {
  #bytes;
  #view;
  #little;
  #explicit;
  place;

  constructor(bytes, place, little, explicit) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.place = place;
    this.#little = little;
    this.#explicit = explicit;
  }

  short(value, signed) {
    if (value.length < 2) return undefined;
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    return signed ? view.getInt16(0, this.#little) : view.getUint16(0, this.#little);
  }

  /** The next element, `null` at the end: `{tag, value, length, fragments}`. */
  element() {
    if (this.place + 8 > this.#bytes.length) return null;
    const tag = this.#tag();
    let length;
    let kind = '';
    if (this.#explicit) {
      kind = textOf(this.#bytes.subarray(this.place, this.place + 2));
      if (LONG.has(kind)) {
        length = this.#view.getUint32(this.place + 4, this.#little);
        this.place += 8;
      } else {
        length = this.#view.getUint16(this.place + 2, this.#little);
        this.place += 4;
      }
    } else length = this.#length();
    if (length === UNDEFINED) {
      const fragments = this.#items(tag === PIXELS, kind === 'UN');
      return { tag, value: new Uint8Array(0), length, fragments: tag === PIXELS ? fragments : null };
    }
    // Cut off: there is nothing behind it, and pixels that are not all there are none.
    if (this.place + length > this.#bytes.length) return null;
    const value = this.#bytes.subarray(this.place, this.place + length);
    this.place += length;
    return { tag, value, length, fragments: null };
  }

  #tag() {
    const tag = this.#view.getUint16(this.place, this.#little) * 0x10000 + this.#view.getUint16(this.place + 2, this.#little);
    this.place += 4;
    return tag;
  }

  #length() {
    const length = this.#view.getUint32(this.place, this.#little);
    this.place += 4;
    return length;
  }

  // Goes past the items of a sequence, or gathers the fragments of pixels.
  #items(gather, implicit) {
    const fragments = [];
    const explicit = this.#explicit;
    if (implicit) this.#explicit = false;
    while (this.place + 8 <= this.#bytes.length) {
      const tag = this.#tag();
      const length = this.#length();
      if (tag === SEQUENCE_END) break;
      if (tag !== ITEM) throw new RangeError('not an item');
      if (length === UNDEFINED) this.#inside();
      else {
        if (this.place + length > this.#bytes.length) throw new RangeError('cut off');
        if (gather) fragments.push(this.#bytes.subarray(this.place, this.place + length));
        this.place += length;
      }
    }
    this.#explicit = explicit;
    // The first one is the table of where frames begin.
    return fragments.slice(1);
  }

  #inside() {
    while (this.place + 8 <= this.#bytes.length) {
      const start = this.place;
      if (this.#tag() === ITEM_END) {
        this.place += 4;
        return;
      }
      this.place = start;
      if (!this.element()) return;
    }
  }
}

function textOf(bytes, utf8 = false) {
  return new TextDecoder(utf8 ? 'utf-8' : 'latin1').decode(bytes).replace(/[\0 ]+$/, '').trimStart();
}

/** The numbers of a text of several; a decimal comma is one. */
export function numbersOf(text) {
  return (text ?? '').split('\\').map((part) => Number.parseFloat(part.replace(',', '.'))).filter(Number.isFinite);
}

/** Millimetres between rows and between columns, and whether they are those at the detector, where bones look larger than they are; `null` where unknown. */
export function spacingOf(header) {
  const pair = (text) => {
    const [row, column = row] = numbersOf(text);
    return row > 0 && column > 0 ? [row, column] : null;
  };
  const at = pair(header.spacingDetector);
  const plain = pair(header.spacing);
  if (plain && !(at && plain[0] === at[0])) return { millimetres: plain, detector: false };
  const [magnification] = numbersOf(header.magnification);
  if (at && magnification > 1) return { millimetres: at.map((one) => one / magnification), detector: false };
  const known = at ?? pair(header.spacingScanned);
  return known && { millimetres: known, detector: at !== null };
}

/** The windows that the header proposes, as `{name, level, window}`. */
export function windowsOf(header) {
  const [centers, widths] = [numbersOf(header.centers), numbersOf(header.widths)];
  const names = (header.explanations ?? '').split('\\');
  return centers.slice(0, widths.length).map((level, place) => ({ name: names[place]?.trim() || null, level, window: widths[place] })).filter(({ window }) => window > 0);
}
