// Lossless JPEG (ITU T.81, process 14) of one component, as X-ray machines write it into DICOM files.

const ANY_FRAME = [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];

/** `{width, height, levels}` (16 bits each), or `null` where it is another kind of JPEG or damaged. */
export function losslessJpeg(bytes) {
  const tables = new Map();
  let [place, frame, interval] = [2, null, 0];
  const short = (at) => (bytes[at] << 8) | bytes[at + 1];
  while (place + 4 <= bytes.length) {
    if (bytes[place] !== 0xff) return null;
    const marker = bytes[place + 1];
    if (marker === 0xff) {
      place += 1;
      continue;
    }
    const [start, end] = [place + 4, place + 2 + short(place + 2)];
    if (marker === 0xc3) frame = { precision: bytes[start], height: short(start + 1), width: short(start + 3), components: bytes[start + 5] };
    else if (ANY_FRAME.includes(marker)) return null;
    else if (marker === 0xc4) readTables(bytes, start, end, tables);
    else if (marker === 0xdd) interval = short(start);
    else if (marker === 0xda) {
      if (!frame || frame.components !== 1 || bytes[start] !== 1) return null;
      const table = tables.get(bytes[start + 2] >> 4);
      const [predictor, transform] = [bytes[start + 3], bytes[start + 5] & 15];
      if (!table || predictor < 1 || predictor > 7) return null;
      return scan(bytes, end, { ...frame, table, predictor, transform, interval });
    }
    place = end;
  }
  return null;
}

// A table by code: for all 16-bit beginnings, how long the code is and what it stands for.
function readTables(bytes, start, end, tables) {
  let place = start;
  while (place + 17 <= end) {
    const number = bytes[place] & 15;
    const counts = bytes.subarray(place + 1, place + 17);
    place += 17;
    const lengths = new Uint8Array(65536);
    const values = new Uint8Array(65536);
    let code = 0;
    for (let length = 1; length <= 16; length += 1) {
      for (let left = counts[length - 1]; left > 0; left -= 1, place += 1) {
        const span = 1 << (16 - length);
        lengths.fill(length, code, code + span);
        values.fill(bytes[place], code, code + span);
        code += span;
      }
    }
    tables.set(number, { lengths, values });
  }
}

function scan(bytes, start, { width, height, precision, table, predictor, transform, interval }) {
  const levels = new Uint16Array(width * height);
  const half = 2 ** (precision - transform - 1);
  let [place, store, bits] = [start, 0, 0];
  const fill = () => {
    while (bits <= 16) {
      let byte = bytes[place] ?? 0;
      if (byte === 0xff) {
        // A stuffed byte; anything else is a marker, behind which there are no bits.
        if (bytes[place + 1] === 0) place += 2;
        else byte = 0;
      } else place += 1;
      store = ((store << 8) | byte) >>> 0;
      bits += 8;
    }
  };
  const take = (count) => {
    fill();
    bits -= count;
    const taken = (store >>> bits) & (2 ** count - 1);
    store &= 2 ** bits - 1;
    return taken;
  };
  const difference = () => {
    fill();
    const beginning = (store >>> (bits - 16)) & 0xffff;
    const length = table.lengths[beginning];
    if (length === 0) return null;
    bits -= length;
    store &= 2 ** bits - 1;
    const size = table.values[beginning];
    if (size === 0) return 0;
    if (size === 16) return 32768;
    const value = take(size);
    return value < 2 ** (size - 1) ? value - 2 ** size + 1 : value;
  };
  // The line that follows the beginning or a restart is predicted from the left alone.
  let firstLine = 0;
  for (let row = 0, done = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, done += 1) {
      const at = row * width + column;
      let guess;
      const restarted = interval > 0 && done > 0 && done % interval === 0;
      if (restarted) {
        // To behind the marker.
        while (place + 1 < bytes.length && !(bytes[place] === 0xff && bytes[place + 1] >= 0xd0 && bytes[place + 1] <= 0xd7)) place += 1;
        place += 2;
        store = bits = 0;
        firstLine = row;
      }
      if (done === 0 || restarted) guess = half;
      else if (row === firstLine) guess = levels[at - 1];
      else if (column === 0) guess = levels[at - width];
      else {
        const [left, above, corner] = [levels[at - 1], levels[at - width], levels[at - width - 1]];
        guess = [left, above, corner, left + above - corner, left + ((above - corner) >> 1), above + ((left - corner) >> 1), (left + above) >> 1][predictor - 1];
      }
      const change = difference();
      if (change === null) return null;
      levels[at] = guess + change;
    }
  }
  if (transform > 0) for (let at = 0; at < levels.length; at += 1) levels[at] <<= transform;
  return { width, height, levels };
}
