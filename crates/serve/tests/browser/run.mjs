// Drives the page of a running `osteon serve` in a real Chromium:
//   node run.mjs ADDRESS [ADDRESS-THAT-WANTS-A-TOKEN TOKEN] [--only NAME]
// OSTEON_NODE: the folder with node_modules (playwright-core, axe-core); OSTEON_CHROMIUM: the browser, /usr/bin/chromium by default.
import { readdirSync } from 'node:fs';
import { Browser } from './browser.mjs';

const args = process.argv.slice(2);
const at = args.indexOf('--only');
const only = at < 0 ? null : args.splice(at, 2)[1];
const [address, guarded, token] = args;
const browser = await Browser.open({ address, guarded, token });
let failed = 0;
try {
  for (const file of readdirSync(new URL('checks', import.meta.url)).sort()) {
    const checks = await import(`./checks/${file}`);
    for (const [name, check] of Object.entries(checks)) {
      const title = `${file.replace('.mjs', '')}: ${name.replaceAll('_', ' ')}`;
      if (only && !title.includes(only)) continue;
      const skipped = await browser.check(check).then((reason) => reason ?? null, (cause) => {
        failed += 1;
        console.log(`FAILED ${title}\n${cause.stack}`);
        return undefined;
      });
      if (skipped !== undefined) console.log(skipped ? `skipped ${title}: ${skipped}` : `ok ${title}`);
    }
  }
} finally {
  await browser.close();
}
console.log(failed > 0 ? `${failed} failed` : 'all passed');
process.exitCode = failed > 0 ? 1 : 0;
