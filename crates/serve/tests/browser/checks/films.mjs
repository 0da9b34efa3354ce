// Images in, answers out: chosen, dropped, pasted, examples; one and many.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { answerOf, choose, drawn, example, NAMES, percent, settled } from '../browser.mjs';

const formats = fileURLToPath(new URL('../../../../data/tests/oracles/formats/', import.meta.url));

export async function a_chosen_film_gets_the_answer_that_the_server_gives({ open, address }) {
  const page = await open();
  const bytes = await example(address, 'wrist-fractured.png');
  const { prediction, model } = await answerOf(address, 'film.png', bytes);
  await choose(page, [{ name: 'film.png', buffer: bytes }]);
  await settled(page);
  assert.equal(await page.locator('#film-name').innerText(), 'film.png');
  assert.equal(await page.locator('#films .badge').innerText(), NAMES[prediction.decision]);
  assert.equal(await page.locator('.score-value').innerText(), percent(prediction.score));
  const scale = await page.locator('.scale svg').getAttribute('aria-label');
  for (const part of [percent(prediction.score), percent(model.threshold)]) assert.ok(scale.includes(part), scale);
  if (model.doubt_band) assert.ok((await page.locator('.scale-key').innerText()).includes(percent(model.doubt_band.low)));
  assert.ok((await page.locator('.why li').count()) > 0);
  await page.locator('summary').click();
  assert.ok((await page.locator('#verdict dl').innerText()).includes(prediction.sha256));
}

export async function the_needle_stands_where_the_score_is({ open, address }) {
  const page = await open();
  const bytes = await example(address, 'wrist-fractured.png');
  const { prediction } = await answerOf(address, 'film.png', bytes);
  await choose(page, [{ name: 'film.png', buffer: bytes }]);
  await settled(page);
  const box = async (part) => page.locator(`.scale ${part}`).boundingBox();
  const [rail, needle] = [await box('.rail'), await box('.needle')];
  const share = (needle.x + needle.width / 2 - rail.x) / rail.width;
  assert.ok(Math.abs(share - prediction.score) < 0.01, `${share} is not ${prediction.score}`);
}

export async function an_example_is_one_click_away_and_says_what_it_is({ open }) {
  for (const [name, said] of [['Drawn wrist', /drawn by a program, with a fracture/], ['Knee', /FracAtlas.* labels it as fractured/]]) {
    const page = await open();
    await page.locator('.example', { hasText: name }).click();
    await settled(page);
    await drawn(page);
    assert.match(await page.locator('.why').innerText(), said);
  }
}

export async function all_examples_at_once({ open, address }) {
  const page = await open();
  const count = await page.locator('.example').count();
  assert.ok(count >= 4);
  await page.locator('#try-all').click();
  await settled(page);
  assert.equal(await page.locator('#films li').count(), count);
  const { prediction } = await answerOf(address, 'no-xray.jpg', await example(address, 'no-xray.jpg'));
  const row = page.locator('.row', { hasText: 'no-xray.jpg' });
  assert.equal(await row.locator('.badge').textContent(), NAMES[prediction.decision]);
}

export async function many_files_of_many_formats_in_few_requests({ open, address }) {
  const page = await open();
  let inFlight = 0;
  let most = 0;
  let requests = 0;
  const predictions = (request) => request.url().includes('/api/v1/predictions');
  page.on('request', (request) => {
    if (!predictions(request)) return;
    requests += 1;
    inFlight += 1;
    most = Math.max(most, inFlight);
  });
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, (request) => { if (predictions(request)) inFlight -= 1; });
  const files = readdirSync(formats).map((file) => formats + file);
  await choose(page, files);
  await settled(page);
  assert.equal(await page.locator('#films li').count(), files.length);
  assert.equal(await page.locator('#films .badge.failed').count(), 0, 'all of them are images');
  assert.ok(most <= 4, `${most} requests at once`);
  assert.ok(requests < files.length, `${requests} requests for ${files.length} images`);
  // Answers go to the images they belong to.
  const name = 'progressive.jpg';
  const { readFileSync } = await import('node:fs');
  const { prediction } = await answerOf(address, name, readFileSync(formats + name));
  const row = page.locator('.row').filter({ hasText: name });
  assert.equal(await row.locator('.badge').textContent(), NAMES[prediction.decision]);
}

export async function a_dicom_file({ open }) {
  const folder = fileURLToPath(new URL('../../../../../../shared/xrays/dicom/', import.meta.url));
  let files;
  try {
    files = readdirSync(folder).filter((file) => file.endsWith('.dcm'));
  } catch {
    return `no folder ${folder}`;
  }
  const page = await open();
  // Some DICOM files hold no picture.
  page.expected.push('422');
  await choose(page, files.slice(0, 3).map((file) => folder + file));
  await settled(page);
  const shown = await page.locator('#films .badge:not(.failed)').count();
  assert.ok(shown > 0, 'at least one of three reads');
  await page.locator('.row', { has: page.locator('.badge:not(.failed)') }).first().click();
  await drawn(page);
  return null;
}

async function transfer(page, type, target, bytes) {
  const data = await page.evaluateHandle((array) => {
    const made = new DataTransfer();
    made.items.add(new File([Uint8Array.from(array)], 'given.png', { type: 'image/png' }));
    return made;
  }, [...bytes]);
  if (type === 'paste') await page.evaluate((clipboardData) => window.dispatchEvent(new ClipboardEvent('paste', { clipboardData })), data);
  else for (const event of ['dragenter', 'dragover', 'drop']) await page.dispatchEvent(target, event, { dataTransfer: data });
}

export async function a_dropped_film({ open, address }) {
  const page = await open();
  await transfer(page, 'drop', '#drop', await example(address, 'shoulder.jpg'));
  await settled(page);
  assert.equal(await page.locator('.row-name').innerText(), 'given.png');
  assert.ok(await page.locator('#veil').isHidden());
}

export async function a_pasted_film({ open, address }) {
  const page = await open();
  await transfer(page, 'paste', null, await example(address, 'shoulder.jpg'));
  await settled(page);
  assert.equal(await page.locator('.row-name').innerText(), 'given.png');
}
