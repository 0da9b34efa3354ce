// A browser for the checks, and what holds for every page: no error on its console, no request to anywhere but its server.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.OSTEON_NODE ?? process.cwd()}/`);
const { chromium } = require('playwright-core');
export const axeSource = require('axe-core').source;

export const DESKTOP = { width: 1280, height: 860 };
// The checks read the canvas back, which the page itself never does.
const OURS = /willReadFrequently/;
export const WIDE = { width: 1920, height: 1080 };
export const PHONE = { width: 390, height: 844 };

export class Browser {
  static async open(servers) {
    const executablePath = process.env.OSTEON_CHROMIUM ?? '/usr/bin/chromium';
    // The sandbox needs rights that a container's root has not.
    const engine = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    return Object.assign(new Browser(), { engine, servers });
  }

  close() {
    return this.engine.close();
  }

  /** Runs a check with fresh pages; gives why it was skipped, if it was. */
  async check(check) {
    const opened = [];
    const open = async (options = {}) => {
      const page = await this.page(options);
      opened.push(page);
      return page;
    };
    try {
      const skipped = await check({ open, ...this.servers });
      for (const page of opened) page.assertQuiet();
      return skipped;
    } finally {
      for (const page of opened) await page.context().close();
    }
  }

  async page({ address = this.servers.address, viewport = DESKTOP, colorScheme = 'light', touch = false, reducedMotion = 'reduce' }) {
    const context = await this.engine.newContext({ viewport, colorScheme, hasTouch: touch, reducedMotion, acceptDownloads: true });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const noise = [];
    // Set by checks that break something on purpose: what the browser itself says about the broken request.
    page.expected = [];
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && !OURS.test(message.text()) && noise.push(message.text()));
    page.on('pageerror', (error) => noise.push(`uncaught: ${error.message}`));
    page.on('dialog', (dialog) => { noise.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.origin !== new URL(address).origin && !['blob:', 'data:'].includes(url.protocol)) noise.push(`request to ${url}`);
    });
    page.assertQuiet = () => assert.deepEqual(noise.filter((line) => !page.expected.some((part) => line.includes(part))), []);
    await page.goto(address);
    await page.locator('#welcome').waitFor();
    return page;
  }
}

/** Hands files to the page as its chooser would: paths, or `{name, buffer}`s. */
export async function choose(page, files) {
  await page.setInputFiles('#chooser', files.map((file) => (typeof file === 'string' ? file : { mimeType: 'application/octet-stream', ...file })));
}

/** Until nothing is on its way to the server any more. */
export async function settled(page) {
  await page.waitForFunction(() => !document.getElementById('work').hidden && document.getElementById('progress').hidden
    && document.querySelectorAll('#films .badge.pending').length === 0 && document.querySelectorAll('#films .badge').length > 0);
}

/** Until the stage shows an image. */
export async function drawn(page) {
  await page.locator('#stage[aria-busy="false"]').waitFor();
  await frame(page);
}

/** Until what was asked for is drawn. */
export const frame = (page) => page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(() => done())); }));

/** What is drawn on the stage: `colour`, the greatest distance from gray; `mean` of the image's pixels; `extreme`, the share of black and white ones; `print` of all pixels. */
export async function stage(page) {
  await frame(page);
  return page.evaluate(() => {
    const canvas = document.getElementById('canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const seen = { colour: 0, mean: 0, extreme: 0, print: 0 };
    let count = 0;
    for (let place = 0; place < data.length; place += 4) {
      const [red, green, blue, alpha] = data.subarray(place, place + 4);
      seen.print = (Math.imul(seen.print, 31) + ((red << 16) | (green << 8) | blue) + alpha) | 0;
      // Edges of the image are see-through by a fraction.
      if (alpha < 255) continue;
      count += 1;
      seen.colour = Math.max(seen.colour, Math.abs(red - blue), Math.abs(red - green));
      seen.mean += red;
      seen.extreme += red === 0 || red === 255 ? 1 : 0;
    }
    return { ...seen, mean: seen.mean / count, extreme: seen.extreme / count };
  });
}

/** Moves a slider as a person would, by its value. */
export const slide = (page, id, value) => page.locator(`#${id}`).fill(String(value));

/** What the server itself says of a file, without the page. */
export async function answerOf(address, name, bytes) {
  const form = new FormData();
  form.append('film', new Blob([bytes]), name);
  const response = await fetch(new URL('api/v1/predictions', address), { method: 'POST', body: form });
  assert.equal(response.status, 200);
  const { model, predictions } = await response.json();
  return { model, prediction: predictions[0] };
}

const drawings = new URL('drawn/', import.meta.url);

/** The bytes of a drawn image: of those beside the checks, or of an example on the page. */
export async function example(address, file) {
  const beside = new URL(file, drawings);
  if (existsSync(beside)) return readFileSync(beside);
  const response = await fetch(new URL(`assets/examples/${file}`, address));
  assert.equal(response.status, 200, file);
  return Buffer.from(await response.arrayBuffer());
}

/** A score as the page writes it. */
export function percent(share) {
  const value = share * 100;
  if (value < 0.1) return '<\u202f0.1\u202f%';
  if (value > 99.9) return '>\u202f99.9\u202f%';
  return `${Number(value.toFixed(value < 10 || value > 90 ? 1 : 0))}\u202f%`;
}

export const NAMES = { fractured: 'Fractured', doubt: 'In doubt', not_fractured: 'Not fractured', not_an_xray: 'Not an X-ray' };
