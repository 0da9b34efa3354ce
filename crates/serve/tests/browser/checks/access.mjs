// For everyone: axe-core's rules in both colour schemes and two sizes, the keyboard alone, sizes of targets, small screens.
import assert from 'node:assert/strict';
import { axeSource, choose, DESKTOP, drawn, example, PHONE, settled, stage } from '../browser.mjs';

async function audit(page, place) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const grave = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  const said = grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`);
  assert.deepEqual(said, [], `${place}`);
}

// Nothing to scroll sideways, and nothing to touch that is smaller than 44 pixels (links within text are as tall as their line).
async function fits(page, place) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${place}: ${wide} pixels too wide`);
  const small = await page.evaluate(() => [...document.querySelectorAll('button, select, summary, input:not([hidden], [type="checkbox"]), .check')]
    .filter((element) => element.checkVisibility({ visibilityProperty: true }))
    .map((element) => ({ element, box: element.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0 && (box.height < 43.5 || box.width < 43.5))
    .map(({ element, box }) => `${element.id || element.className} ${box.width}×${box.height}`));
  assert.deepEqual(small, [], place);
}

async function everywhere({ open, address }, options) {
  const page = await open(options);
  const check = async (place) => {
    await audit(page, place);
    await fits(page, place);
  };
  await check('welcome');
  await page.locator('#open-card').click();
  await page.locator('#card[open] .figures').waitFor();
  await check('card');
  await page.keyboard.press('Escape');
  page.expected.push('422');
  const films = await Promise.all(['wrist-fractured.png', 'no-xray.jpg'].map(async (name) => ({ name, buffer: await example(address, name) })));
  await choose(page, [...films, { name: 'letter.jpg', buffer: Buffer.from('Dear sirs') }]);
  await settled(page);
  // A wide screen shows the list and the first image at once.
  await check('list');
  for (const name of options.viewport === PHONE ? ['wrist-fractured.png', 'letter.jpg'] : ['letter.jpg']) {
    if (await page.locator('#back').isVisible()) await page.locator('#back').click();
    await page.locator('.row', { hasText: name }).click();
    if (name !== 'letter.jpg') await drawn(page);
    await check(name);
  }
}

export const axe_desktop_light = (context) => everywhere(context, { viewport: DESKTOP, colorScheme: 'light' });
export const axe_desktop_dark = (context) => everywhere(context, { viewport: DESKTOP, colorScheme: 'dark' });
export const axe_phone_light = (context) => everywhere(context, { viewport: PHONE, colorScheme: 'light', touch: true });
export const axe_phone_dark = (context) => everywhere(context, { viewport: PHONE, colorScheme: 'dark', touch: true });

const focused = (page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.className || document.activeElement?.tagName);

async function tabTo(page, wanted) {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((selector) => document.activeElement.matches(selector), wanted)) return;
  }
  assert.fail(`Tab does not reach ${wanted}, the last was ${await focused(page)}`);
}

export async function the_keyboard_alone({ open }) {
  const page = await open();
  // Listened for from the start: the browser must be told before the key is pressed.
  const choosing = page.waitForEvent('filechooser');
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'skip');
  await tabTo(page, '#open-card');
  await page.keyboard.press('Enter');
  await page.locator('#card[open]').waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await focused(page), 'open-card', 'focus comes back');
  await tabTo(page, '[data-choose]');
  await page.keyboard.press('Enter');
  assert.ok((await choosing).isMultiple());
  await tabTo(page, '#try-all');
  await page.keyboard.press('Enter');
  await settled(page);
  await tabTo(page, '.row');
  const rows = await page.locator('.row-name').allTextContents();
  await page.keyboard.press('End');
  assert.equal(await page.locator('#film-name').innerText(), rows.at(-1));
  await page.keyboard.press('Home');
  assert.equal(await page.locator('#film-name').innerText(), rows[0]);
  assert.equal(await page.locator('.row[aria-current]').count(), 1);
  await drawn(page);
  await tabTo(page, '#stage');
  const ring = await page.locator('#stage').evaluate((element) => getComputedStyle(element).outlineStyle);
  assert.notEqual(ring, 'none', 'focus is seen');
  const whole = (await stage(page)).print;
  await page.keyboard.press('+');
  await page.keyboard.press('+');
  const near = (await stage(page)).print;
  assert.notEqual(near, whole);
  await page.keyboard.press('ArrowDown');
  assert.notEqual((await stage(page)).print, near);
  await page.keyboard.press('0');
  assert.equal((await stage(page)).print, whole);
  await page.keyboard.press('h');
  assert.equal((await stage(page)).colour, 0, 'without heat all is gray');
  await page.keyboard.press('i');
  assert.equal(await page.locator('#invert').getAttribute('aria-pressed'), 'true');
  await tabTo(page, '#heat');
  await page.keyboard.press('End');
  assert.equal(await page.locator('#heat-value').innerText(), '100\u202f%');
}

export async function on_a_phone_list_and_film_take_turns({ open }) {
  const page = await open({ viewport: PHONE, touch: true });
  await page.locator('#try-all').click();
  await settled(page);
  assert.ok(await page.locator('#rail').isVisible() && await page.locator('#film').isHidden());
  await page.locator('.row').nth(1).click();
  assert.ok(await page.locator('#rail').isHidden() && await page.locator('#film').isVisible());
  const top = await page.locator('#call').boundingBox();
  assert.ok(top.y + top.height < PHONE.height, 'the decision is seen without scrolling');
  await page.goBack();
  assert.ok(await page.locator('#rail').isVisible(), 'the back button leads to the list');
}

export async function the_end_of_a_batch_is_announced({ open }) {
  const page = await open();
  await page.locator('#try-all').click();
  await settled(page);
  assert.match(await page.locator('#announcer').innerText(), /8 images judged/);
}

export async function the_notice_is_always_there({ open }) {
  const page = await open({ viewport: PHONE });
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  const box = await page.locator('.device').boundingBox();
  assert.ok(box.y >= 0 && box.y + box.height < 120, JSON.stringify(box));
}

export async function the_colour_scheme_is_kept_and_nothing_else({ open, address }) {
  const page = await open({ colorScheme: 'light' });
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await back();
  await page.locator('#scheme').click();
  await page.locator('#scheme').click();
  const dark = await back();
  assert.notEqual(dark, light);
  await choose(page, [{ name: 'secret-name.png', buffer: await example(address, 'shoulder.jpg') }]);
  await settled(page);
  await page.reload();
  assert.equal(await back(), dark);
  const kept = await page.evaluate(async () => ({
    local: { ...localStorage }, session: { ...sessionStorage }, cookies: document.cookie,
    databases: (await indexedDB.databases()).length, caches: (await caches.keys()).length,
  }));
  assert.deepEqual(kept, { local: { 'osteon-scheme': 'dark' }, session: {}, cookies: '', databases: 0, caches: 0 });
}

export async function nothing_moves_where_less_motion_is_wanted({ open }) {
  const page = await open({ reducedMotion: 'reduce' });
  const moving = await page.evaluate(() => [...document.querySelectorAll('*')].filter((element) => {
    const style = getComputedStyle(element);
    return style.transitionDuration !== '0s' && style.transitionProperty !== 'none' || style.animationName !== 'none';
  }).map((element) => element.tagName));
  assert.deepEqual(moving, []);
}

export async function no_inline_script_or_style_is_needed({ address }) {
  const response = await fetch(address);
  const policy = response.headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'/);
  assert.ok(!policy.includes('unsafe'), policy);
  const html = await response.text();
  assert.ok(!/\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/.test(html));
}
