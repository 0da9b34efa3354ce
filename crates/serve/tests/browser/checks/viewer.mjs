// The film on its stage: heat, window and level, zoom and pan.
import assert from 'node:assert/strict';
import { choose, DESKTOP, drawn, example, frame, PHONE, settled, slide, stage } from '../browser.mjs';

// An example on whose map something stands out.
async function hot(address) {
  for (const file of ['wrist-fractured.png', 'leg-fractured.png', 'forearm-fractured.png']) {
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
  return page;
}

export async function the_opacity_slider_changes_what_is_drawn({ open, address }) {
  const page = await shown(open, address);
  const seen = [];
  for (const opacity of [0, 50, 100]) {
    await slide(page, 'heat', opacity);
    seen.push((await stage(page)).colour);
  }
  assert.equal(seen[0], 0, 'without heat a film is gray');
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

export async function hot_spots_are_outlined({ open, address }) {
  const page = await shown(open, address);
  await slide(page, 'heat', 0);
  assert.equal((await stage(page)).colour, 0);
  await page.locator('#boxes').check();
  assert.ok((await stage(page)).colour > 100, 'the outlines are cyan');
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
  await choose(page, [{ name: 'second.png', buffer: await example(address, 'shoulder.png') }]);
  await settled(page);
  assert.equal(await page.locator('#film-name').innerText(), 'second.png');
  assert.equal(await page.locator('#level').inputValue(), '60');
}
