// DICOM files in full depth: their own levels in the browser, windows, the ruler, the header, images of one study.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { choose, drawn, frame, settled, slide } from '../browser.mjs';
import { dicomOf, ramp } from '../dicom.mjs';

const [WIDTH, HEIGHT] = [200, 150];
const WINDOWS = [[0x28, 0x1050, 'DS', '1000\\2000'], [0x28, 0x1051, 'DS', '401\\2001'], [0x28, 0x1055, 'LO', 'BONE\\SOFT']];

// Chooses a file and shows nothing but it.
async function shown(open, buffer, options) {
  const page = await open(options);
  await choose(page, [{ name: 'film.dcm', buffer }]);
  await settled(page);
  await drawn(page);
  await page.locator('#stage').focus();
  await page.keyboard.press('h');
  return page;
}

// The gray at a share of the image's width, in the middle of its height. The image is as wide as the stage, or as high.
async function grayAt(page, share) {
  await frame(page);
  return page.evaluate(([at, width, height]) => {
    const canvas = document.getElementById('canvas');
    const scale = Math.min(canvas.width / width, canvas.height / height);
    const x = canvas.width / 2 + (at - 0.5) * width * scale;
    return canvas.getContext('2d').getImageData(Math.round(x), Math.round(canvas.height / 2), 1, 1).data[0];
  }, [share, WIDTH, HEIGHT]);
}

// PS3.3, C.11.2.1.2.1, as it stands there.
function linear(x, center, width) {
  if (x <= center - 0.5 - (width - 1) / 2) return 0;
  if (x > center - 0.5 + (width - 1) / 2) return 255;
  return ((x - (center - 0.5)) / (width - 1) + 0.5) * 255;
}

async function assertGrays(page, grayOf, what) {
  for (const share of [0.1, 0.3, 0.45, 0.6, 0.9]) {
    const [found, wanted] = [await grayAt(page, share), grayOf(share)];
    assert.ok(Math.abs(found - wanted) <= 6, `${what} at ${share}: ${found}, not ${wanted}`);
  }
}

export async function windows_come_from_the_file_and_are_drawn_as_dicom_has_them({ open }) {
  const page = await shown(open, dicomOf(WIDTH, HEIGHT, ramp(WIDTH, HEIGHT, 0, 3000), { more: WINDOWS }));
  const value = (share) => share * 3000;
  const names = await page.locator('#preset option').allTextContents();
  assert.match(names[0], /BONE \(401 \/ 1000\)/);
  assert.match(names[1], /SOFT \(2001 \/ 2000\)/);
  await assertGrays(page, (share) => linear(value(share), 1000, 401), 'the first window');
  await page.locator('#preset').selectOption('window 1');
  await assertGrays(page, (share) => linear(value(share), 2000, 2001), 'the second');
  await page.locator('#preset').selectOption('full');
  await assertGrays(page, (share) => share * 255, 'all values');
  await slide(page, 'window', 1000);
  await slide(page, 'level', 1200);
  assert.equal(await page.locator('#preset').inputValue(), 'own');
  await assertGrays(page, (share) => linear(value(share), 1200, 1000), 'by hand');
  await page.locator('#invert').click();
  await assertGrays(page, (share) => 255 - linear(value(share), 1200, 1000), 'inverted');
  await page.locator('#preset').selectOption('judged');
  assert.equal(await page.locator('#window').getAttribute('max'), '256', 'the 8 bits that were judged');
}

export async function rescaled_signed_and_dark_values({ open }) {
  const more = [[0x28, 0x1052, 'DS', '100'], [0x28, 0x1053, 'DS', '0.5'], [0x28, 0x1050, 'DS', '350'], [0x28, 0x1051, 'DS', '900']];
  const words = ramp(WIDTH, HEIGHT, -1000, 2000);
  const options = { more, bits: 13, signed: true, photometric: 'MONOCHROME1' };
  const page = await shown(open, dicomOf(WIDTH, HEIGHT, words, options));
  await assertGrays(page, (share) => 255 - linear((-1000 + share * 3000) * 0.5 + 100, 350, 900), 'dark');
}

export async function padding_does_not_stretch_the_values({ open }) {
  const words = ramp(WIDTH, HEIGHT, 500, 1500).map((word, place) => (place < 20 * WIDTH ? 4000 : word));
  const page = await shown(open, dicomOf(WIDTH, HEIGHT, words, { more: [[0x28, 0x120, 'US', 4000]] }));
  await page.locator('#preset').selectOption('full');
  await assertGrays(page, (share) => share * 255, 'without padding');
}

async function measured(page, from, to) {
  await page.locator('#ruler').click();
  const box = await page.locator('#stage').boundingBox();
  const scale = Math.min(box.width / WIDTH, box.height / HEIGHT);
  const at = ([x, y]) => [box.x + box.width / 2 + (x - 0.5) * WIDTH * scale, box.y + box.height / 2 + (y - 0.5) * HEIGHT * scale];
  await page.mouse.move(...at(from));
  await page.mouse.down();
  await page.mouse.move(...at(to), { steps: 3 });
  await page.mouse.up();
  return page.locator('#measured').innerText();
}

export async function the_ruler_knows_millimetres({ open }) {
  const words = ramp(WIDTH, HEIGHT, 0, 3000);
  // Rows are 0.4 mm apart, columns 0.2 mm.
  const page = await shown(open, dicomOf(WIDTH, HEIGHT, words, { more: [[0x28, 0x30, 'DS', '0.4\\0.2']] }));
  const millimetres = (said) => Number(said.match(/^([\d.]+)\s?mm/)[1]);
  const across = millimetres(await measured(page, [0.25, 0.5], [0.75, 0.5]));
  assert.ok(Math.abs(across - 20) < 0.3, `${across}`);
  await page.locator('#ruler').click();
  const both = millimetres(await measured(page, [0.25, 0.2], [0.75, 0.7]));
  assert.ok(Math.abs(both - Math.hypot(20, 30)) < 0.4, `${both}`);
  await page.locator('#verdict').getByText('DICOM header').click();
  assert.match(await page.locator('#verdict').innerText(), /0\.4 × 0\.2 mm/);
  assert.match(await page.locator('#verdict').innerText(), /HAND/);
  // At the detector alone: it says so.
  const other = await shown(open, dicomOf(WIDTH, HEIGHT, words, { more: [[0x18, 0x1164, 'DS', '0.1\\0.1']] }));
  assert.match(await measured(other, [0.25, 0.5], [0.75, 0.5]), /^10\.0\s?mm at the detector/);
}

export async function images_of_one_study_stand_together({ open }) {
  const page = await open();
  const film = (name, high, study) => ({ name, buffer: dicomOf(WIDTH, HEIGHT, ramp(WIDTH, HEIGHT, 0, high), { study }) });
  await choose(page, [film('a1.dcm', 3000, '1.2.9'), film('b1.dcm', 3100, '1.2.8'), film('a2.dcm', 3200, '1.2.9'), film('b2.dcm', 3300, '1.2.8'), film('c.dcm', 3400, '1.2.7')]);
  await settled(page);
  await page.locator('#sort').selectOption('added');
  await page.waitForFunction(() => document.querySelectorAll('.study').length === 2);
  assert.deepEqual(await page.locator('.row-name').allTextContents(), ['a1.dcm', 'a2.dcm', 'b1.dcm', 'b2.dcm', 'c.dcm']);
  assert.match(await page.locator('.study').first().textContent(), /Study of 2 images/);
}

/** RLE and lossless JPEG give what the same image gives uncompressed. */
export async function compressed_levels_are_those_of_the_same_film_uncompressed({ open }) {
  const folder = fileURLToPath(new URL('../../../../../../shared/xrays/dicom/', import.meta.url));
  const page = await open();
  const levels = async (name) => {
    const bytes = readFileSync(folder + name).toString('base64');
    return page.evaluate(async (text) => {
      const { depthOf } = await import('/assets/depth.js');
      const found = await depthOf(new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]));
      if (!found) return null;
      const hash = await crypto.subtle.digest('SHA-256', found.levels);
      return `${found.width} × ${found.height} ${[...new Uint8Array(hash)].join(' ')}`;
    }, bytes);
  };
  let plain;
  try {
    plain = await levels('XA1_UNC.dcm');
  } catch (cause) {
    if (cause.code === 'ENOENT') return `no folder ${folder}`;
    throw cause;
  }
  assert.ok(plain);
  for (const coded of ['XA1_RLE.dcm', 'XA1_JPLL.dcm']) assert.equal(await levels(coded), plain, coded);
  assert.equal(await levels('XA1_J2KR.dcm'), null, 'what this page does not read is shown as judged');
  return null;
}
