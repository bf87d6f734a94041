/** Links of pages, and the outline of a document. */
import { type Pdfium, readString, withBuffer } from './pdfium-module.ts';

/** Returns the http, https and mailto addresses to which a page links, without duplicates, at most `most`. */
export function readLinks(pdfium: Pdfium, document: number, page: number, most: number): string[] {
  const found = new Set<string>();
  // The position of the enumeration, and the link that it returns.
  return withBuffer(pdfium, 8, (state) => {
    // Also limits the links that are read: a hostile page has any number of them.
    for (let read = 0; read < 10 * most && found.size < most; read++) {
      if (pdfium._FPDFLink_Enumerate(page, state, state + 4) === 0) break;
      // Created each time: the memory may have moved.
      const view = new DataView(pdfium.HEAPU8.buffer, state, 8);
      const action = pdfium._FPDFLink_GetAction(view.getUint32(4, true));
      const address = action === 0 ? '' : actionAddress(pdfium, document, action);
      if (/^(https?|mailto):/i.test(address)) found.add(address);
    }
    return [...found];
  });
}

/** Returns the address of an action; empty where it has none. */
function actionAddress(pdfium: Pdfium, document: number, action: number): string {
  return readString(pdfium, 'utf8', 2048, (buffer, bytes) =>
    pdfium._FPDFAction_GetURIPath(document, action, buffer, bytes),
  );
}

/** Returns the titles of the outline by page index, the first one of each page; reads at most `most` entries. */
export function readOutline(pdfium: Pdfium, document: number, most: number): Map<number, string> {
  const titles = new Map<number, string>();
  const seen = new Set<number>(); // a hostile outline has cycles
  const queue = [pdfium._FPDFBookmark_GetFirstChild(document, 0)];
  while (queue.length > 0 && seen.size < most) {
    const bookmark = queue.pop() ?? 0;
    if (bookmark === 0 || seen.has(bookmark)) continue;
    seen.add(bookmark);
    const target =
      pdfium._FPDFBookmark_GetDest(document, bookmark) ||
      pdfium._FPDFAction_GetDest(document, pdfium._FPDFBookmark_GetAction(bookmark));
    const page = target === 0 ? -1 : pdfium._FPDFDest_GetDestPageIndex(document, target);
    const title = bookmarkTitle(pdfium, bookmark);
    if (page >= 0 && title !== '' && !titles.has(page)) titles.set(page, title);
    queue.push(
      pdfium._FPDFBookmark_GetNextSibling(document, bookmark),
      pdfium._FPDFBookmark_GetFirstChild(document, bookmark),
    );
  }
  return titles;
}

function bookmarkTitle(pdfium: Pdfium, bookmark: number): string {
  return readString(pdfium, 'utf16le', 4096, (buffer, bytes) =>
    pdfium._FPDFBookmark_GetTitle(bookmark, buffer, bytes),
  );
}
