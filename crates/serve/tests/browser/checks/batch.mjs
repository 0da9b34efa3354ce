// Many images: order, filter, stopping, and what can be saved of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { answerOf, choose, example, settled } from '../browser.mjs';

const FILES = ['wrist-fractured.png', 'shoulder.jpg', 'forearm-cast.jpg', 'hip.jpg', 'no-xray.jpg'];
const broken = { name: '=broken, "quoted".jpg', buffer: Buffer.from('not a picture') };

// The images with what the server itself says of them: asked once for all checks.
let known = null;

async function judged(open, address) {
  known ??= await Promise.all(FILES.map(async (name) => {
    const buffer = await example(address, name);
    return { name, buffer, ...(await answerOf(address, name, buffer)) };
  }));
  const page = await open();
  page.expected.push('422');
  await choose(page, [...known.map(({ name, buffer }) => ({ name, buffer })), broken]);
  await settled(page);
  return { page, answers: known };
}

// The list is drawn anew with the next frame, so a list of the same length may still be the one before.
async function names(page) {
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(() => done())); }));
  return page.locator('.row-name').allTextContents();
}

async function sorted(page, order) {
  await page.locator('#sort').selectOption(order);
  return names(page);
}

export async function films_can_be_ordered_and_filtered({ open, address }) {
  const { page, answers } = await judged(open, address);
  assert.equal(await page.locator('#sort').inputValue(), 'high', 'the highest score is first');
  assert.deepEqual(await sorted(page, 'added'), [...FILES, broken.name]);
  const scored = answers.filter(({ prediction }) => prediction.decision !== 'not_an_xray').sort((a, b) => b.prediction.score - a.prediction.score).map(({ name }) => name);
  assert.deepEqual((await sorted(page, 'high')).slice(0, scored.length), scored);
  assert.deepEqual((await sorted(page, 'low')).slice(0, scored.length), [...scored].reverse());
  assert.deepEqual(await sorted(page, 'name'), [...FILES, broken.name].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })));
  const kinds = ['fractured', 'doubt', 'not_fractured', 'not_an_xray'];
  const byDecision = kinds.flatMap((kind) => answers.filter(({ prediction }) => prediction.decision === kind).map(({ name }) => name));
  assert.deepEqual(await sorted(page, 'decision'), [...byDecision, broken.name]);
  await sorted(page, 'added');
  for (const kind of new Set(answers.map(({ prediction }) => prediction.decision))) {
    const expected = answers.filter(({ prediction }) => prediction.decision === kind).map(({ name }) => name);
    const chip = page.locator(`.chip.${kind}`);
    assert.match(await chip.textContent(), new RegExp(` ${expected.length}$`));
    await chip.click();
    assert.deepEqual(await names(page), expected);
    assert.equal(await page.locator(`.chip.${kind}`).getAttribute('aria-pressed'), 'true');
  }
  await page.locator('.chip.failed').click();
  assert.deepEqual(await names(page), [broken.name]);
}

async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator(button).click()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
}

export async function saved_files_hold_what_the_server_said_and_no_formula({ open, address }) {
  const { page, answers } = await judged(open, address);
  await sorted(page, 'added');
  const json = await saved(page, '#save-json');
  assert.equal(json.name, 'osteon.json');
  const { model: stamp, predictions } = JSON.parse(json.text);
  assert.deepEqual(stamp, answers[0].model);
  assert.equal(predictions.length, FILES.length + 1);
  answers.forEach(({ prediction }, place) => {
    for (const key of ['sha256', 'decision', 'width', 'height', 'flags', 'xray_score']) assert.deepEqual(predictions[place][key], prediction[key], key);
    // Images that are judged together may differ in the last bits.
    assert.ok(Math.abs(predictions[place].score - prediction.score) < 1e-4);
    assert.equal(predictions[place].name, FILES[place]);
    assert.ok(!('picture' in predictions[place]) && !('heatmap' in predictions[place]));
  });
  assert.equal(predictions.at(-1).name, broken.name);
  assert.equal(predictions.at(-1).error.code, 'unreadable_image');
  await page.locator('#sort').selectOption('name');
  const { name, text } = await saved(page, '#save-csv');
  assert.equal(name, 'osteon.csv');
  const [head, ...rows] = text.trimEnd().split('\r\n');
  assert.equal(head, 'name,decision,score,xray_score,flags,threshold,doubt_low,doubt_high,width,height,sha256,error,detail,study,agree,note');
  assert.equal(rows.length, FILES.length + 1);
  const bad = rows.find((row) => row.includes('broken'));
  assert.ok(bad.startsWith('"\'=broken, ""quoted"".jpg",,,'), bad);
  assert.ok(bad.includes('unreadable_image'));
  const leg = rows.find((row) => row.startsWith('shoulder.jpg,')).split(',');
  const { prediction, model } = answers.find((answer) => answer.name === 'shoulder.jpg');
  assert.equal(leg[1], prediction.decision);
  assert.ok(Math.abs(Number(leg[2]) - prediction.score) < 1e-4);
  assert.equal(Number(leg[5]), model.threshold);
  assert.equal(leg[10], prediction.sha256);
  await page.locator('.chip.failed').click();
  await page.waitForFunction(() => document.querySelectorAll('#films li').length === 1);
  assert.equal((await saved(page, '#save-csv')).text.trimEnd().split('\r\n').length, 2, 'the filter holds for what is saved');
}

export async function what_a_person_says_of_an_answer_is_saved_with_it({ open, address }) {
  const { page } = await judged(open, address);
  await page.locator('.row', { hasText: 'shoulder.jpg' }).click();
  await page.locator('#reading').getByRole('button', { name: 'Disagree' }).click();
  await page.locator('#reading-note').fill('=a thin line, "here"');
  assert.equal(await page.locator('.row', { hasText: 'shoulder.jpg' }).locator('.mark.disagree').count(), 1);
  await page.locator('.row', { hasText: 'hip.jpg' }).click();
  assert.equal(await page.locator('#reading-note').inputValue(), '', 'each image has its own');
  await page.locator('#reading').getByRole('button', { name: 'Agree', exact: true }).click();
  await page.locator('.row', { hasText: 'shoulder.jpg' }).click();
  assert.equal(await page.locator('#reading-note').inputValue(), '=a thin line, "here"');
  const { predictions } = JSON.parse((await saved(page, '#save-json')).text);
  const of = (name) => predictions.find((one) => one.name === name).reading;
  assert.deepEqual(of('shoulder.jpg'), { agree: false, note: '=a thin line, "here"' });
  assert.deepEqual(of('hip.jpg'), { agree: true, note: '' });
  assert.equal(of('forearm-cast.jpg'), undefined);
  const rows = (await saved(page, '#save-csv')).text.split('\r\n');
  assert.ok(rows.find((row) => row.startsWith('shoulder.jpg,')).endsWith(',,no,"\'=a thin line, ""here"""'));
  assert.ok(rows.find((row) => row.startsWith('hip.jpg,')).endsWith(',,yes,'));
}

export async function rows_are_compact_filters_are_in_one_line_and_tiles_are_a_press_away({ open, address }) {
  const { page } = await judged(open, address);
  const row = await page.locator('.row').first().boundingBox();
  assert.ok(row.height <= 56, `${row.height}`);
  const tops = await page.locator('.chip').evaluateAll((chips) => new Set(chips.map((chip) => chip.offsetTop)).size);
  assert.equal(tops, 1);
  await page.locator('#tiles').click();
  const [first, second] = [await page.locator('.row').nth(0).boundingBox(), await page.locator('.row').nth(1).boundingBox()];
  assert.equal(first.y, second.y, 'beside each other');
  await page.locator('.row').nth(1).click();
  assert.equal(await page.locator('#film-name').innerText(), await page.locator('.row-name').nth(1).textContent());
}

export async function the_report_is_printed_with_pictures({ open, address }) {
  const { page } = await judged(open, address);
  await page.evaluate(() => { window.print = () => { globalThis.printed = (globalThis.printed ?? 0) + 1; }; });
  await page.locator('#print').click();
  await page.waitForFunction(() => globalThis.printed === 1);
  assert.ok(await page.locator('#report').isHidden(), 'the screen stays as it is');
  await page.emulateMedia({ media: 'print' });
  assert.ok(await page.locator('#report').isVisible());
  assert.ok(await page.locator('main').isHidden());
  assert.match(await page.locator('#report').innerText(), /Not a medical device/);
  assert.equal(await page.locator('#report article').count(), FILES.length + 1);
  const refused = known.filter(({ prediction }) => prediction.decision === 'not_an_xray').length;
  assert.equal(await page.locator('#report canvas').count(), 2 * FILES.length - refused, 'what was refused has no heat');
  await page.emulateMedia({ media: 'screen' });
  await page.locator('#clear').click();
  await page.locator('#welcome').waitFor();
  assert.ok(await page.locator('#work').isHidden(), 'clearing leads back to the welcome');
}

export async function a_batch_can_be_stopped_and_gone_on_with({ open, address }) {
  const page = await open();
  const buffer = await example(address, 'shoulder.jpg');
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await page.route('**/api/v1/predictions*', async (route) => {
    await held;
    await route.continue().catch(() => {});
  });
  await choose(page, Array.from({ length: 12 }, (_, index) => ({ name: `${index}.png`, buffer })));
  await page.locator('#progress').waitFor();
  assert.match(await page.locator('#progress-text').innerText(), /0 of 12/);
  page.expected.push('net::ERR_FAILED');
  await page.locator('#stop').click();
  await settled(page);
  release();
  assert.equal(await page.locator('#films .badge.failed').count(), 12);
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  assert.match(await page.locator('#retry').innerText(), /Try 12 images again/);
  await page.locator('#retry').click();
  await page.waitForFunction(() => document.querySelectorAll('#films .badge.failed, #films .badge.pending').length === 0);
  assert.equal(await page.locator('#films .badge').count(), 12);
}

// A batch that was too large is sent image by image; those images are part of what is stopped.
export async function a_batch_that_is_sent_film_by_film_can_be_stopped({ open }) {
  const page = await open();
  page.expected.push('413', 'net::ERR_FAILED');
  const batches = [];
  let singly = 0;
  await page.route('**/api/v1/predictions*', (route) => {
    const films = route.request().postDataBuffer().toString('latin1').split('name="film"').length - 1;
    batches.push(films);
    if (films > 1) {
      const body = JSON.stringify({ type: 'about:blank', title: 'Too large', status: 413, code: 'too_large' });
      return route.fulfill({ status: 413, contentType: 'application/problem+json', body });
    }
    singly += 1;
    return undefined;
  });
  await choose(page, Array.from({ length: 32 }, (_, index) => ({ name: `${index}.png`, buffer: Buffer.from('x') })));
  await page.waitForFunction(() => document.querySelectorAll('#films .badge').length > 0);
  for (let tries = 0; singly < 4 && tries < 600; tries += 1) await new Promise((wake) => { setTimeout(wake, 100); });
  assert.equal(singly, 4, JSON.stringify(batches));
  await page.locator('#stop').click();
  await settled(page);
  assert.equal(await page.locator('#films .badge.failed').count(), 32);
  assert.equal(singly, 4, JSON.stringify(batches));
  await page.unrouteAll({ behavior: 'ignoreErrors' });
}
