// DICOM files drawn for the checks: one gray frame, explicit little endian.

const TEXT = new Set(['UI', 'CS', 'DS', 'IS', 'LO', 'DA', 'PN', 'SH']);

function element(group, number, kind, value) {
  let bytes;
  if (TEXT.has(kind)) {
    bytes = Buffer.from(value, 'latin1');
    if (bytes.length % 2) bytes = Buffer.concat([bytes, Buffer.from(kind === 'UI' ? '\0' : ' ')]);
  } else if (kind === 'US') {
    bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(value);
  } else if (kind === 'SS') {
    bytes = Buffer.alloc(2);
    bytes.writeInt16LE(value);
  } else bytes = value;
  const head = Buffer.alloc(kind === 'OW' || kind === 'OB' ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(kind, 4, 'latin1');
  if (head.length === 12) head.writeUInt32LE(bytes.length, 8);
  else head.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

/** A file of `width` × `height` 16-bit words; `more`: further elements `[group, number, kind, value]`, `bits` stored, `signed`. */
export function dicomOf(width, height, words, { more = [], bits = 12, signed = false, photometric = 'MONOCHROME2', study = '1.2.3.4' } = {}) {
  const uid = `1.2.3.${words.reduce((sum, word) => (sum * 31 + word) >>> 0, width)}`;
  const meta = [
    element(2, 2, 'UI', '1.2.840.10008.5.1.4.1.1.1'), element(2, 3, 'UI', uid), element(2, 0x10, 'UI', '1.2.840.10008.1.2.1'), element(2, 0x12, 'UI', '1.2.3'),
  ];
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.concat(meta).length);
  const start = Buffer.concat([Buffer.from([2, 0, 0, 0]), Buffer.from('UL'), Buffer.from([4, 0]), length]);
  const pixels = Buffer.alloc(2 * words.length);
  words.forEach((word, place) => pixels.writeUInt16LE(word & 0xffff, 2 * place));
  const elements = [
    [8, 0x16, 'UI', '1.2.840.10008.5.1.4.1.1.1'], [8, 0x18, 'UI', uid], [8, 0x60, 'CS', 'DX'], [0x18, 0x15, 'CS', 'HAND'],
    [0x20, 0x0d, 'UI', study], [0x20, 0x0e, 'UI', `${study}.1`], [0x28, 2, 'US', 1], [0x28, 4, 'CS', photometric], [0x28, 0x10, 'US', height], [0x28, 0x11, 'US', width],
    [0x28, 0x100, 'US', 16], [0x28, 0x101, 'US', bits], [0x28, 0x102, 'US', bits - 1], [0x28, 0x103, 'US', signed ? 1 : 0], ...more,
  ].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), start, ...meta, ...elements.map((one) => element(...one)), element(0x7fe0, 0x10, 'OW', pixels)]);
}

/** Words that run from `low` at the left to `high` at the right. */
export function ramp(width, height, low, high) {
  return Array.from({ length: width * height }, (_, place) => Math.round(low + ((place % width) / (width - 1)) * (high - low)));
}
