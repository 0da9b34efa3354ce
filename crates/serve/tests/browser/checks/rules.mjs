// Images decided otherwise: at another operating point, and although they look like no radiograph.
import assert from 'node:assert/strict';
import { choose, example, NAMES, percent, settled } from '../browser.mjs';

const ask = async (address, query, bytes, name) => {
  const form = new FormData();
  form.append('film', new Blob([bytes]), name);
  const response = await fetch(new URL(`api/v1/predictions?${query}`, address), { method: 'POST', body: form });
  const { predictions: [prediction], model } = await response.json();
  return { prediction, model };
};

export async function another_operating_point_decides_all_films_anew({ open, address }) {
  const page = await open();
  const bytes = await example(address, 'wrist-fractured.png');
  const { operating_points: points } = await (await fetch(new URL('api/v1/model', address))).json();
  if (points.length < 2) return 'the model has one operating point';
  await choose(page, [{ name: 'film.png', buffer: bytes }]);
  await settled(page);
  const select = page.locator('#operating-point');
  await select.waitFor();
  assert.equal(await select.inputValue(), points[0].name);
  await select.selectOption(points[1].name);
  await page.waitForFunction((threshold) => document.querySelector('.scale svg')?.getAttribute('aria-label').includes(threshold), percent(points[1].threshold));
  const { prediction, model } = await ask(address, `operating_point=${points[1].name}`, bytes, 'film.png');
  assert.equal(model.operating_point, points[1].name);
  assert.equal(await page.locator('#films .badge').innerText(), NAMES[prediction.decision]);
  assert.equal(await page.locator('#operating-point').inputValue(), points[1].name);
  return null;
}

export async function what_looks_like_no_radiograph_can_be_judged_anyway({ open, address }) {
  const page = await open();
  const bytes = await example(address, 'no-xray.jpg');
  const refused = await ask(address, '', bytes, 'no-xray.jpg');
  if (refused.prediction.decision !== 'not_an_xray') return 'the gate takes the photograph';
  await choose(page, [{ name: 'no-xray.jpg', buffer: bytes }]);
  await settled(page);
  assert.ok((await page.locator('.rules').innerText()).includes(percent(refused.prediction.xray_score)));
  await page.locator('#judge-anyway').click();
  const { prediction } = await ask(address, 'judge_anyway=true', bytes, 'no-xray.jpg');
  assert.ok(prediction.judged_anyway && prediction.decision !== 'not_an_xray');
  await page.waitForFunction((name) => document.querySelector('#films .badge')?.textContent === name, NAMES[prediction.decision]);
  assert.match(await page.locator('.why').innerText(), /judged anyway because you asked for it/);
  return null;
}
