// The pictures of the page in README and docs/PAGE.md, of its own example images alone: node pictures.mjs ADDRESS FOLDER
import { Browser, DESKTOP, drawn, PHONE, settled } from './browser.mjs';

const [address, folder] = process.argv.slice(2);
const browser = await Browser.open({ address });
const shoot = (page, name) => page.screenshot({ path: `${folder}/${name}.jpg`, type: 'jpeg', quality: 82 });

async function tried(options) {
  const page = await browser.page(options);
  await page.locator('#try-all').click();
  await settled(page);
  return page;
}

const light = await tried({ viewport: DESKTOP });
await light.locator('.row', { hasText: 'forearm-cast' }).click();
await drawn(light);
await shoot(light, 'page');

const dark = await browser.page({ viewport: DESKTOP, colorScheme: 'dark' });
await shoot(dark, 'page-welcome');

const phone = await tried({ viewport: PHONE, colorScheme: 'dark' });
await phone.locator('.row', { hasText: 'forearm-cast' }).click();
await drawn(phone);
await shoot(phone, 'page-phone');

await browser.close();
