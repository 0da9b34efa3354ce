// What goes wrong, in plain words; and hostile names, which must stay text.
import assert from 'node:assert/strict';
import { choose, example, settled } from '../browser.mjs';

export async function a_file_that_is_no_image({ open }) {
  const page = await open();
  page.expected.push('422');
  await choose(page, [{ name: 'letter.jpg', buffer: Buffer.from('Dear sirs') }]);
  await settled(page);
  assert.match(await page.locator('#call').innerText(), /was not judged[\s\S]*could not be read as an image/);
  await page.locator('summary').click();
  assert.match(await page.locator('#verdict dl').innerText(), /unreadable_image/);
  assert.equal(await page.locator('#verdict .primary').count(), 0, 'trying again would not help');
}

export async function a_file_that_is_too_large_and_one_beside_it_that_is_not({ open, address }) {
  const page = await open();
  const large = { name: 'large.png', buffer: Buffer.alloc(12 << 20) };
  page.expected.push('413');
  await choose(page, [large, { name: 'shoulder.jpg', buffer: await example(address, 'shoulder.jpg') }]);
  await settled(page);
  assert.equal(await page.locator('.row', { hasText: 'shoulder.jpg' }).locator('.badge.failed').count(), 0);
  await page.locator('.row', { hasText: 'large.png' }).click();
  assert.match(await page.locator('#call').innerText(), /larger than the server takes/);
}

export async function a_server_that_is_asked_too_often_is_given_time({ open, address }) {
  const page = await open();
  page.expected.push('429', '503');
  let refused = 0;
  await page.route('**/api/v1/predictions*', (route) => {
    refused += 1;
    if (refused > 2) return route.continue();
    const [status, code] = refused === 1 ? [429, 'rate_limited'] : [503, 'overloaded'];
    const body = JSON.stringify({ type: 'about:blank', title: 'Busy', status, code });
    return route.fulfill({ status, contentType: 'application/problem+json', headers: { 'retry-after': '1' }, body });
  });
  await choose(page, [{ name: 'shoulder.jpg', buffer: await example(address, 'shoulder.jpg') }]);
  await page.waitForFunction(() => /server is busy/.test(document.getElementById('progress-text').textContent));
  await settled(page);
  assert.equal(await page.locator('#films .badge.failed').count(), 0);
  assert.equal(refused, 3);
}

export async function a_server_that_is_gone_and_comes_back({ open, address }) {
  const page = await open();
  page.expected.push('ERR_INTERNET_DISCONNECTED');
  const buffer = await example(address, 'shoulder.jpg');
  await page.context().setOffline(true);
  await choose(page, [{ name: 'shoulder.jpg', buffer }]);
  await settled(page);
  assert.match(await page.locator('#call').innerText(), /server does not answer/);
  await page.context().setOffline(false);
  await page.locator('#verdict .primary').click();
  await page.waitForFunction(() => document.querySelectorAll('#films .badge.failed, #films .badge.pending').length === 0);
  assert.equal(await page.locator('#film .call.failed').count(), 0);
}

export async function an_answer_that_makes_no_sense({ open, address }) {
  const page = await open();
  await page.route('**/api/v1/predictions*', (route) => route.fulfill({ status: 200, contentType: 'application/json', body: '{"predictions":[]}' }));
  await choose(page, [{ name: 'shoulder.jpg', buffer: await example(address, 'shoulder.jpg') }]);
  await settled(page);
  assert.match(await page.locator('#call').innerText(), /does not understand/);
}

export async function a_server_that_wants_a_token({ open, guarded, token }) {
  if (!guarded) return 'no server that wants one';
  const page = await open({ address: guarded });
  page.expected.push('401');
  const image = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==', 'base64');
  await choose(page, [{ name: 'a.png', buffer: image }, { name: 'b.png', buffer: image }]);
  await page.locator('#token[open]').waitFor();
  await page.locator('#token-value').fill('wrong');
  await page.keyboard.press('Enter');
  await page.locator('#token-wrong').waitFor();
  await page.locator('#token-value').fill(token);
  await page.keyboard.press('Enter');
  await settled(page);
  assert.ok(await page.locator('#token').isHidden());
  const badges = await page.locator('#films .badge').count();
  assert.equal(badges, 2);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
  assert.ok(!kept.includes(token), kept);
  await page.reload();
  await page.locator('#open-card').click();
  await page.locator('#token[open]').waitFor();
  await page.locator('#token-cancel').click();
  await page.locator('#card[open]').waitFor();
  assert.match(await page.locator('#card-body').innerText(), /asks for a token/);
  return null;
}

// Twenty images, and a person who closes the dialog.
async function refuse(page) {
  page.expected.push('401');
  await choose(page, Array.from({ length: 20 }, (_, index) => ({ name: `${index}.png`, buffer: Buffer.from('x') })));
  await page.locator('#token[open]').waitFor();
  await page.keyboard.press('Escape');
  await settled(page);
  assert.ok(await page.locator('#token').isHidden());
  assert.equal(await page.locator('#films .badge.failed').count(), 20);
  assert.match(await page.locator('#call').textContent(), /asks for a token/);
}

export async function a_token_that_is_not_given_is_asked_for_once({ open, guarded }) {
  if (!guarded) return 'no server that wants one';
  await refuse(await open({ address: guarded }));
  return null;
}

// Several requests are on their way when the first is refused. Whoever closed the dialog is not asked by the others.
export async function a_token_that_is_not_given_is_not_asked_for_by_requests_on_their_way({ open, guarded }) {
  if (!guarded) return 'no server that wants one';
  const page = await open({ address: guarded });
  const asked = [];
  // The first is answered when all are on their way, the others never.
  await page.route('**/api/v1/predictions*', (route) => {
    asked.push(route);
    return asked.length === 4 ? asked[0].continue() : undefined;
  });
  await refuse(page);
  assert.equal(asked.length, 4);
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  return null;
}

export async function names_and_words_from_elsewhere_stay_text({ open }) {
  const page = await open();
  const name = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>.jpg';
  await page.route('**/api/v1/predictions*', (route) => route.fulfill({
    status: 200, contentType: 'application/json',
    body: JSON.stringify({ model: {}, predictions: [{ index: 0, name, error: { status: 422, code: '<b>bold</b>', detail: `<svg onload="document.title='owned'">` } }] }),
  }));
  await choose(page, [{ name, buffer: Buffer.from('x') }]);
  await settled(page);
  assert.equal(await page.locator('#film-name').innerText(), name);
  assert.match(await page.locator('#verdict').innerText(), /<svg onload/);
  assert.equal(await page.locator('#work img, #work script, #work b:not(.chip b, label b)').count(), 0);
  await page.evaluate(() => { window.print = () => {}; });
  await page.locator('#print').click();
  await page.locator('#report article').waitFor({ state: 'attached' });
  assert.equal(await page.locator('#report img, #report script').count(), 0);
  assert.notEqual(await page.title(), 'owned');
}
