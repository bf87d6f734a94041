import { describe, expect, it } from 'vitest';
import { withApp } from './harness.ts';

const OWN = 'http://localhost:8484';
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36';
const JSON_TYPE = 'application/json';

type Sent = Readonly<Record<string, string>>;

/** What a request to a server without keys carries, and whether it is accepted. */
const CASES: readonly (readonly [string, 'GET' | 'POST', Sent, boolean])[] = [
  ['curl', 'POST', { 'User-Agent': 'curl/8.5.0', 'Content-Type': JSON_TYPE }, true],
  ['curl with the bytes of a file', 'POST', { 'Content-Type': 'application/x-www-form-urlencoded' }, true],
  ['the Python client of OpenAI', 'POST', { 'User-Agent': 'OpenAI/Python 2.1.0' }, true],
  ['the console', 'POST', { 'User-Agent': BROWSER, Origin: OWN, 'Sec-Fetch-Site': 'same-origin' }, true],
  ['the console in a browser without Sec-Fetch-Site', 'POST', { 'User-Agent': BROWSER, Origin: OWN }, true],
  ['the console in a browser that reads', 'GET', { 'User-Agent': BROWSER }, true],
  ['an address that the user typed', 'GET', { 'User-Agent': BROWSER, 'Sec-Fetch-Site': 'none' }, true],
  [
    'a page of another site',
    'POST',
    { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' },
    false,
  ],
  ['a page of another site without Sec-Fetch-Site', 'POST', { Origin: 'https://evil.example' }, false],
  ['a page of another site that hides its origin', 'POST', { Origin: 'null' }, false],
  [
    'a page of another port',
    'POST',
    { Origin: 'http://localhost:3000', 'Sec-Fetch-Site': 'same-site' },
    false,
  ],
  ['a page of another port without Sec-Fetch-Site', 'POST', { Origin: 'http://localhost:3000' }, false],
  ['a form of an old browser', 'POST', { 'User-Agent': BROWSER, 'Content-Type': 'text/plain' }, false],
  ['a form that names where it is from', 'POST', { Referer: 'https://evil.example/' }, false],
  ['an image of another site', 'GET', { 'User-Agent': BROWSER, 'Sec-Fetch-Site': 'cross-site' }, false],
  ['a name that was rebound to this machine', 'GET', { Host: 'evil.example:8484' }, false],
  [
    'a name that was rebound, as its own page',
    'POST',
    { Host: 'evil.example', Origin: 'http://evil.example' },
    false,
  ],
];

describe('without API keys, a request', () => {
  it.each(CASES)('of %s (%s %j) is accepted: %s', (_, method, headers, isAccepted) =>
    withApp(async ({ app }) => {
      const url = `${OWN}/v1/${method === 'GET' ? 'summaries' : 'files'}`;
      const init = method === 'GET' ? {} : { body: new TextEncoder().encode('abc') };
      const response = await app.request(url, { method, headers, ...init });
      expect(response.status).toBe(isAccepted ? (method === 'GET' ? 200 : 201) : 401);
    }),
  );

  it.each(['http://evil.example:8484', 'http://127.0.0.1.evil.example', 'http://192.168.0.9'])(
    'to %s is refused',
    (url) => withApp(async ({ app }) => expect((await app.request(`${url}/v1/files`)).status).toBe(401)),
  );
});
