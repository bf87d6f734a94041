/**
 * A PDF of one page that opens with a password: 40-bit RC4, the first encryption PDF had (ISO 32000-1,
 * 7.6.3).
 */
import { createHash } from 'node:crypto';

const PADDING = Buffer.from('28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a', 'hex');
const ID = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const PERMISSIONS = -4;

/** The page says `text`. */
export function lockedPdf(password: string, text: string): Buffer {
  const owner = rc4(md5(padded(password)).subarray(0, 5), padded(password));
  const permissions = Buffer.alloc(4);
  permissions.writeInt32LE(PERMISSIONS);
  const key = md5(Buffer.concat([padded(password), owner, permissions, ID])).subarray(0, 5);
  const user = rc4(key, PADDING);
  const content = rc4(objectKey(key, 5), Buffer.from(`BT /F1 24 Tf 20 40 Td (${text}) Tj ET`));
  const id = ID.toString('hex');
  return Buffer.concat([
    Buffer.from(`%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 320 80]/Contents 5 0 R/Resources<</Font<</F1 6 0 R>>>>>>endobj
4 0 obj<</Filter/Standard/V 1/R 2/P ${PERMISSIONS}/O<${owner.toString('hex')}>/U<${user.toString('hex')}>>>endobj
6 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
5 0 obj<</Length ${content.length}>>stream
`),
    content,
    Buffer.from(`
endstream endobj
trailer<</Root 1 0 R/Encrypt 4 0 R/ID[<${id}><${id}>]/Size 7>>
%%EOF
`),
  ]);
}

function padded(password: string): Buffer {
  return Buffer.concat([Buffer.from(password, 'latin1'), PADDING]).subarray(0, 32);
}

function objectKey(key: Buffer, number: number): Buffer {
  return md5(Buffer.concat([key, Buffer.from([number, 0, 0, 0, 0])])).subarray(0, 10);
}

function md5(data: Buffer): Buffer {
  return createHash('md5').update(data).digest();
}

/** Node's own is gone with OpenSSL 3. */
function rc4(key: Buffer, data: Buffer): Buffer {
  const state = Uint8Array.from({ length: 256 }, (_, index) => index);
  const at = (index: number): number => state[index & 255] ?? 0;
  const swap = (a: number, b: number): void => {
    const kept = at(a);
    state[a & 255] = at(b);
    state[b & 255] = kept;
  };
  for (let i = 0, j = 0; i < 256; i++) {
    j += at(i) + (key[i % key.length] ?? 0);
    swap(i, j);
  }
  let [i, j] = [0, 0];
  const bytes = data.map((byte) => {
    i += 1;
    j += at(i);
    swap(i, j);
    return byte ^ at(at(i) + at(j));
  });
  return Buffer.from(bytes);
}
