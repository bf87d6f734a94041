import { describe, expect, it } from 'vitest';
import { loadConsoleAssets } from '../../web/assets.ts';

describe('the files of the console', () => {
  it('are few and small', async () => {
    const assets = await loadConsoleAssets();
    const script = assets.get('/console/app.js');
    const style = assets.get('/console/app.css');
    expect(script?.type).toMatch(/^text\/javascript/);
    expect(style?.type).toMatch(/^text\/css/);
    // Most of it is Preact. A schema library, which types must never pull in, would be several times this.
    expect(script?.body.length).toBeLessThan(80_000);
    expect(assets.get('/console/other.js')).toBeUndefined();
  });

  it('contain no inline code and no references to other sites', async () => {
    const assets = await loadConsoleAssets();
    const html = String(assets.get('/')?.body);
    expect(html).not.toMatch(/<script>|<style|style=|onload|https?:/);
    expect(String(assets.get('/console/app.css')?.body)).not.toMatch(/url\(|@import/);
  });
});
