// An image's pixels: from what the server sent to what a canvas shows.

/** The image behind an 8-bit gray PNG, with its levels so that window and level can be applied: `{width, height, levels}`. */
export async function decodeFilm(blob) {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  const context = canvasOf(width, height).getContext('2d', { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  const levels = new Uint8Array(width * height);
  for (let place = 0; place < levels.length; place += 1) levels[place] = rgba[place * 4];
  return { width, height, levels };
}

/**
 * A canvas of an image as a tone says: `window` levels around `level` are spread from black to white; `invert` swaps the ends. Of a DICOM file's own depth
 * (`bits`) they are values as its header counts them, spread as DICOM has it (PS3.3, C.11.2.1.2).
 */
export function develop(film, tone) {
  const { width, height, levels } = film;
  const shades = film.bits ? deepShades(film, tone) : plainShades(tone);
  // Four bytes at once, in the order of this machine.
  const grays = Uint32Array.from(shades, (shade) => new Uint32Array(Uint8Array.of(shade, shade, shade, 255).buffer)[0]);
  const canvas = canvasOf(width, height);
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let place = 0; place < levels.length; place += 1) pixels[place] = grays[levels[place]];
  context.putImageData(image, 0, 0);
  return canvas;
}

function plainShades({ window, level, invert }) {
  const shades = new Uint8ClampedArray(256);
  for (let value = 0; value < 256; value += 1) {
    const spread = ((value - (level - window / 2)) / window) * 256;
    shades[value] = invert ? 255 - spread : spread;
  }
  return shades;
}

function deepShades({ bits, first, slope, intercept, dark, exact }, { window, level, invert }) {
  const shades = new Uint8ClampedArray(2 ** bits);
  for (let place = 0; place < shades.length; place += 1) {
    const value = (place + first) * slope + intercept;
    let share;
    if (exact) share = (value - level) / window + 0.5;
    else if (window > 1) share = (value - (level - 0.5)) / (window - 1) + 0.5;
    else share = value > level - 0.5 ? 1 : 0;
    shades[place] = 255 * (invert !== dark ? 1 - share : share);
  }
  return shades;
}

/** The window that shows every value of an image's own depth. */
export function fullRange({ range: [low, high] }) {
  return { window: high - low + 1, level: (low + high + 1) / 2 };
}

/** The window that shows all but one in fifty of the values at each end. */
export function middleRange({ levels, bits, first, slope, intercept, range }) {
  const counts = new Uint32Array(2 ** bits);
  for (const level of levels) counts[level] += 1;
  const value = (place) => (place + first) * slope + intercept;
  const within = (place) => value(place) >= range[0] && value(place) <= range[1];
  let all = 0;
  counts.forEach((count, place) => { if (within(place)) all += count; });
  const at = (share) => {
    let seen = 0;
    for (let place = 0; place < counts.length; place += 1) {
      if (within(place)) seen += counts[place];
      if (seen > share * all) return value(place);
    }
    return range[1];
  };
  const [low, high] = [at(0.02), at(0.98)].sort((a, b) => a - b);
  return { window: Math.max(2, high - low + 1), level: (low + high + 1) / 2 };
}

/** The image as it is: every level as itself. */
export const PLAIN = Object.freeze({ window: 256, level: 128, invert: false });

/** A picture drawn into a canvas of at most `side` pixels a side, with heat on it if given. */
export async function miniature(blob, side, heat = null) {
  const bitmap = await createImageBitmap(blob);
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = canvasOf(width, height);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  if (heat) {
    const over = await createImageBitmap(heat);
    context.drawImage(over, 0, 0, width, height);
    over.close();
  }
  return canvas;
}

function canvasOf(width, height) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  return canvas;
}
