// The image on its stage: heat, window and level, zoom and pan.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { answerOf, choose, DESKTOP, drawn, example, frame, PHONE, settled, slide, stage, WIDE } from '../browser.mjs';

// An example on whose map something stands out.
async function hot(address) {
  for (const file of ['wrist-fractured.png', 'leg-metalwork.jpg', 'forearm-cast.jpg']) {
    const bytes = await example(address, file);
    const form = new FormData();
    form.append('film', new Blob([bytes]), file);
    const answer = await (await fetch(new URL('api/v1/predictions?heatmap=png', address), { method: 'POST', body: form })).json();
    if (answer.predictions[0].heatmap.boxes.some((box) => box.heat > 0.3)) return { name: file, buffer: bytes };
  }
  throw new Error('no example has any heat');
}

async function shown(open, address, options) {
  const page = await open(options);
  await choose(page, [await hot(address)]);
  await settled(page);
  await drawn(page);
  // What is asked below is asked of image and heat alone.
  await page.locator('#boxes').uncheck();
  return page;
}

export async function the_opacity_slider_changes_what_is_drawn({ open, address }) {
  const page = await shown(open, address);
  const seen = [];
  for (const opacity of [0, 50, 100]) {
    await slide(page, 'heat', opacity);
    seen.push((await stage(page)).colour);
  }
  assert.equal(seen[0], 0, 'without heat an image is gray');
  assert.ok(seen[1] > 4 && seen[2] > seen[1], `colours: ${seen}`);
  assert.equal(await page.locator('#heat-value').innerText(), '100\u202f%');
}

export async function window_level_and_invert({ open, address }) {
  const page = await shown(open, address);
  await slide(page, 'heat', 0);
  const plain = await stage(page);
  await page.locator('#invert').click();
  const inverted = await stage(page);
  assert.ok(Math.abs(inverted.mean - (255 - plain.mean)) < 1, `${plain.mean} inverted is ${inverted.mean}`);
  assert.equal(await page.locator('#invert').getAttribute('aria-pressed'), 'true');
  await page.locator('#invert').click();
  await slide(page, 'window', 4);
  assert.ok((await stage(page)).extreme > 0.8, 'a narrow window leaves black and white');
  await slide(page, 'window', 256);
  await slide(page, 'level', 60);
  assert.ok((await stage(page)).mean > plain.mean + 20, 'a lower level brightens');
  await page.locator('#reset').click();
  await page.locator('#boxes').uncheck();
  await slide(page, 'heat', 0);
  assert.equal((await stage(page)).print, plain.print, 'reset is as at first');
}

export async function wheel_drag_and_double_click({ open, address }) {
  const page = await shown(open, address);
  const whole = (await stage(page)).print;
  const box = await page.locator('#stage').boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.wheel(0, -480);
  const near = (await stage(page)).print;
  assert.notEqual(near, whole);
  await page.mouse.down();
  await page.mouse.move(x - 60, y - 40, { steps: 4 });
  await page.mouse.up();
  const moved = (await stage(page)).print;
  assert.notEqual(moved, near);
  await page.mouse.dblclick(x, y);
  assert.equal((await stage(page)).print, whole);
}

export async function shift_and_drag_changes_window_and_level({ open, address }) {
  const page = await shown(open, address);
  const box = await page.locator('#stage').boundingBox();
  await page.mouse.move(box.x + 200, box.y + 150);
  await page.keyboard.down('Shift');
  await page.mouse.down();
  await page.mouse.move(box.x + 140, box.y + 120, { steps: 3 });
  await page.mouse.up();
  await page.keyboard.up('Shift');
  assert.equal(await page.locator('#window').inputValue(), '196');
  assert.equal(await page.locator('#level').inputValue(), '98');
}

export async function pinch_zooms_and_a_finger_scrolls_the_page({ open, address }) {
  const page = await shown(open, address, { viewport: PHONE, touch: true });
  const whole = (await stage(page)).print;
  const touchAction = () => page.locator('#stage').evaluate((element) => getComputedStyle(element).touchAction);
  assert.equal(await touchAction(), 'pan-y');
  const box = await page.locator('#stage').boundingBox();
  const [x, y] = [box.x + box.width / 2 - 40, box.y + box.height / 2];
  const client = await page.context().newCDPSession(page);
  const touch = (type, apart) => client.send('Input.dispatchTouchEvent', {
    type, touchPoints: type === 'touchEnd' ? [] : [{ x: x - apart, y, id: 0 }, { x: x + apart, y, id: 1 }],
  });
  await touch('touchStart', 20);
  for (const apart of [30, 45, 60]) await touch('touchMove', apart);
  await touch('touchEnd', 0);
  await page.waitForFunction(() => document.getElementById('stage').classList.contains('near'));
  assert.notEqual((await stage(page)).print, whole);
  assert.equal(await touchAction(), 'none');
}

export async function hot_spots_are_outlined_and_the_heat_lets_the_film_through({ open, address }) {
  const page = await open();
  await choose(page, [await hot(address)]);
  await settled(page);
  await drawn(page);
  assert.ok(await page.locator('#boxes').isChecked(), 'from the beginning');
  assert.equal(await page.locator('#heat-value').innerText(), '35\u202f%');
  await slide(page, 'heat', 0);
  assert.ok((await stage(page)).colour > 100, 'the outlines are cyan');
  await page.locator('#stage').focus();
  await page.keyboard.press('h');
  assert.equal((await stage(page)).colour, 0, 'nothing but the image');
  await page.keyboard.press('h');
  await page.locator('#boxes').uncheck();
  assert.equal((await stage(page)).colour, 0);
}

export async function a_refused_picture_has_no_heat({ open, address }) {
  const page = await open();
  await choose(page, [{ name: 'no-xray.jpg', buffer: await example(address, 'no-xray.jpg') }]);
  await settled(page);
  await drawn(page);
  assert.equal((await stage(page)).colour, 0);
  assert.ok(await page.locator('#heat').isDisabled() && await page.locator('#boxes').isDisabled());
  assert.match(await page.locator('#heat-note').innerText(), /does not look like an X-ray/);
}

export async function no_tool_lies_over_the_film_and_a_wide_screen_is_used({ open, address }) {
  for (const viewport of [DESKTOP, WIDE, PHONE]) {
    const page = await shown(open, address, { viewport });
    const [tools, picture] = [await page.locator('.tools').boundingBox(), await page.locator('#stage').boundingBox()];
    const apart = tools.x + tools.width <= picture.x + 0.5 || tools.y + tools.height <= picture.y + 0.5;
    assert.ok(apart, JSON.stringify({ tools, picture }));
    if (viewport === WIDE) assert.ok(picture.width > 0.52 * WIDE.width && picture.height > 0.6 * WIDE.height, JSON.stringify(picture));
  }
}

export async function the_ruler_measures_in_pixels_where_the_file_says_no_more({ open, address }) {
  const page = await shown(open, address);
  await slide(page, 'heat', 0);
  await page.locator('#ruler').click();
  const box = await page.locator('#stage').boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y - 100);
  await page.mouse.down();
  await page.mouse.move(x, y + 100, { steps: 3 });
  await page.mouse.up();
  const height = await page.evaluate(() => document.getElementById('canvas').getBoundingClientRect().height);
  const said = await page.locator('#measured').innerText();
  const [, pixels] = said.match(/^([\d,]+) px long/);
  const { prediction } = await answerOf(address, 'film.png', (await hot(address)).buffer);
  // As high as the stage, as all examples are.
  const scale = Math.max(prediction.height / height, prediction.width / box.width);
  assert.ok(Math.abs(Number(pixels.replace(',', '')) - 200 * scale) <= 2, `${said}, not ${200 * scale}`);
  assert.ok((await stage(page)).colour > 100, 'the line is seen');
  await page.locator('#ruler').click();
  assert.equal((await stage(page)).colour, 0, 'and goes');
}

export async function the_picture_is_saved_with_what_is_drawn_on_it({ open, address }) {
  const page = await shown(open, address);
  await slide(page, 'heat', 100);
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#save-picture').click()]);
  assert.match(download.suggestedFilename(), /-osteon\.png$/);
  const bytes = readFileSync(await download.path());
  assert.equal(bytes.subarray(1, 4).toString('latin1'), 'PNG');
  const { prediction } = await answerOf(address, 'film.png', (await hot(address)).buffer);
  assert.ok(bytes.readUInt32BE(20) > Math.min(1024, prediction.height), 'with a line below it');
}

export async function full_screen_is_one_key_away({ open, address }) {
  const page = await shown(open, address);
  const before = await page.locator('#stage').boundingBox();
  await page.locator('#full').click();
  // The element is there a moment before the page hears of it.
  await page.locator('#full[aria-pressed=true]').waitFor();
  assert.equal(await page.evaluate(() => document.fullscreenElement?.id), 'viewer');
  await frame(page);
  const after = await page.locator('#stage').boundingBox();
  assert.ok(after.width * after.height > 1.3 * before.width * before.height, JSON.stringify({ before, after }));
  await page.locator('#full').click();
  await page.waitForFunction(() => document.fullscreenElement === null);
}

export async function nothing_jumps_when_the_answer_comes({ open, address }) {
  const page = await open({ viewport: DESKTOP });
  await page.evaluate(() => {
    globalThis.shift = 0;
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shift += entry.value; })
      .observe({ type: 'layout-shift', buffered: true });
  });
  await choose(page, [await hot(address)]);
  await settled(page);
  await drawn(page);
  await frame(page);
  const shift = await page.evaluate(() => globalThis.shift);
  assert.ok(shift < 0.1, `cumulative layout shift ${shift}`);
}

export async function sliders_keep_their_place_from_film_to_film({ open, address }) {
  const page = await shown(open, address);
  await slide(page, 'level', 60);
  await choose(page, [{ name: 'second.png', buffer: await example(address, 'shoulder.jpg') }]);
  await settled(page);
  assert.equal(await page.locator('#film-name').innerText(), 'second.png');
  assert.equal(await page.locator('#level').inputValue(), '60');
}
