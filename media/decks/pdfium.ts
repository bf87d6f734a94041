/**
 * Reads a PDF with PDFium, compiled to WebAssembly. The package's own classes keep every page open and
 * support neither bookmarks nor font sizes, so this module calls the C functions (fpdfview.h, fpdf_text.h,
 * fpdf_doc.h) through the module that the package loads. Each document has a separate instance, which
 * contains leaks and crashes.
 */
import { PDFiumModule } from '@hyzyla/pdfium';
import type { Size } from '../images/index.ts';

/** The functions used here. Handles and pointers are numbers; 0 is null. */
interface Pdfium {
  _FPDF_InitLibrary(): void;
  _FPDF_LoadMemDocument(data: number, bytes: number, password: number): number;
  _FPDF_GetLastError(): number;
  _FPDF_GetPageCount(document: number): number;
  _FPDF_LoadPage(document: number, index: number): number;
  _FPDF_ClosePage(page: number): void;
  _FPDF_GetPageWidth(page: number): number;
  _FPDF_GetPageHeight(page: number): number;
  _FPDFBitmap_CreateEx(width: number, height: number, format: number, data: number, stride: number): number;
  _FPDFBitmap_FillRect(
    bitmap: number,
    x: number,
    y: number,
    width: number,
    height: number,
    argb: number,
  ): void;
  _FPDFBitmap_Destroy(bitmap: number): void;
  _FPDF_RenderPageBitmap(
    bitmap: number,
    page: number,
    x: number,
    y: number,
    width: number,
    height: number,
    rotate: number,
    flags: number,
  ): void;
  _FPDFText_LoadPage(page: number): number;
  _FPDFText_ClosePage(text: number): void;
  _FPDFText_CountChars(text: number): number;
  _FPDFText_GetUnicode(text: number, index: number): number;
  _FPDFText_GetFontSize(text: number, index: number): number;
  _FPDFBookmark_GetFirstChild(document: number, bookmark: number): number;
  _FPDFBookmark_GetNextSibling(document: number, bookmark: number): number;
  _FPDFBookmark_GetTitle(bookmark: number, buffer: number, bytes: number): number;
  _FPDFBookmark_GetDest(document: number, bookmark: number): number;
  _FPDFBookmark_GetAction(bookmark: number): number;
  _FPDFAction_GetDest(document: number, action: number): number;
  _FPDFDest_GetDestPageIndex(document: number, destination: number): number;
  _FPDFLink_Enumerate(page: number, position: number, link: number): number;
  _FPDFLink_GetAction(link: number): number;
  _FPDFAction_GetURIPath(document: number, action: number, buffer: number, bytes: number): number;
  readonly wasmExports: { malloc(bytes: number): number; free(pointer: number): void };
  /** Replaced whenever the memory grows: never store a reference to it. */
  readonly HEAPU8: Uint8Array;
}

/** Why a document could not be opened: FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY, anything else. */
export class PdfError extends Error {
  override readonly name = 'PdfError';
  readonly reason: 'password' | 'security' | 'damaged';

  constructor(reason: PdfError['reason']) {
    super(`PDFium: ${reason}`);
    this.reason = reason;
  }
}

/** A character of the text layer. `size` is its font size in points, before the page scales it. */
export interface PdfChar {
  readonly text: string;
  readonly size: number;
}

export interface PdfPage {
  /** Size in points as displayed, after the rotation of the page. */
  readonly size: Size;
  /** Renders the page on white as packed RGB in a new buffer. */
  render(size: Size): Uint8Array;
  /** The text layer in reading order, at most `most` characters. */
  chars(most: number): PdfChar[];
  /** Addresses of its links without duplicates, at most `most`. */
  links(most: number): string[];
}

export interface PdfDocument {
  readonly pages: number;
  /** Calls `use` with page `index`, from 0, which is open only during the call. */
  withPage<T>(index: number, use: (page: PdfPage) => T): T;
  /** Titles of the outline by page index, the first one of each page; at most `most` entries are read. */
  outline(most: number): Map<number, string>;
}

const BGR = 2; // FPDFBitmap_BGR
const ANNOTATIONS = 0x01; // FPDF_ANNOT
const REVERSE_BYTE_ORDER = 0x10; // FPDF_REVERSE_BYTE_ORDER: RGB
const WHITE = 0xffffffff;

/** Opens the PDF in `bytes`. Throws PdfError. Its memory is freed with the last reference. */
export async function openPdf(bytes: Uint8Array, password?: string): Promise<PdfDocument> {
  // The package declares only the functions that it calls.
  const pdfium = (await PDFiumModule({})) as unknown as Pdfium;
  pdfium._FPDF_InitLibrary();
  const data = copyIn(pdfium, bytes);
  const secret = password === undefined ? 0 : copyIn(pdfium, Buffer.from(`${password}\0`));
  const document = pdfium._FPDF_LoadMemDocument(data, bytes.length, secret);
  if (secret !== 0) pdfium.wasmExports.free(secret);
  if (document === 0) {
    const code = pdfium._FPDF_GetLastError();
    throw new PdfError(code === 4 ? 'password' : code === 5 ? 'security' : 'damaged');
  }
  return {
    pages: pdfium._FPDF_GetPageCount(document),
    withPage(index, use) {
      const page = pdfium._FPDF_LoadPage(document, index);
      if (page === 0) throw new PdfError('damaged');
      try {
        return use({
          size: { width: pdfium._FPDF_GetPageWidth(page), height: pdfium._FPDF_GetPageHeight(page) },
          render: (size) => render(pdfium, page, size),
          chars: (most) => chars(pdfium, page, most),
          links: (most) => links(pdfium, document, page, most),
        });
      } finally {
        pdfium._FPDF_ClosePage(page);
      }
    },
    outline: (most) => outline(pdfium, document, most),
  };
}

function allocate(pdfium: Pdfium, bytes: number): number {
  const pointer = pdfium.wasmExports.malloc(Math.max(1, bytes));
  if (pointer === 0) throw new RangeError('PDFium is out of memory');
  return pointer;
}

function copyIn(pdfium: Pdfium, bytes: Uint8Array): number {
  const pointer = allocate(pdfium, bytes.length);
  pdfium.HEAPU8.set(bytes, pointer);
  return pointer;
}

function render(pdfium: Pdfium, page: number, { width, height }: Size): Uint8Array {
  const stride = Math.ceil((width * 3) / 4) * 4;
  const data = allocate(pdfium, stride * height);
  try {
    const bitmap = pdfium._FPDFBitmap_CreateEx(width, height, BGR, data, stride);
    if (bitmap === 0) throw new PdfError('damaged');
    pdfium._FPDFBitmap_FillRect(bitmap, 0, 0, width, height, WHITE);
    pdfium._FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, ANNOTATIONS | REVERSE_BYTE_ORDER);
    pdfium._FPDFBitmap_Destroy(bitmap);
    const rgb = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++) {
      rgb.set(pdfium.HEAPU8.subarray(data + y * stride, data + y * stride + width * 3), y * width * 3);
    }
    return rgb;
  } finally {
    pdfium.wasmExports.free(data);
  }
}

function chars(pdfium: Pdfium, page: number, most: number): PdfChar[] {
  const text = pdfium._FPDFText_LoadPage(page);
  if (text === 0) return [];
  try {
    const count = Math.min(most, pdfium._FPDFText_CountChars(text));
    return Array.from({ length: Math.max(0, count) }, (_, index) => ({
      text: String.fromCodePoint(Math.min(0x10ffff, pdfium._FPDFText_GetUnicode(text, index))),
      size: pdfium._FPDFText_GetFontSize(text, index),
    }));
  } finally {
    pdfium._FPDFText_ClosePage(text);
  }
}

function links(pdfium: Pdfium, document: number, page: number, most: number): string[] {
  const found = new Set<string>();
  const state = allocate(pdfium, 8); // the position of the enumeration, and the link that it returns
  try {
    pdfium.HEAPU8.fill(0, state, state + 8);
    // Also limits the links that are read: a hostile page has any number of them.
    for (let read = 0; read < 10 * most && found.size < most; read++) {
      if (pdfium._FPDFLink_Enumerate(page, state, state + 4) === 0) break;
      // Created each time: the memory may have moved.
      const view = new DataView(pdfium.HEAPU8.buffer, state, 8);
      const action = pdfium._FPDFLink_GetAction(view.getUint32(4, true));
      const address = action === 0 ? '' : actionAddress(pdfium, document, action);
      if (/^(https?|mailto):/i.test(address)) found.add(address);
    }
  } finally {
    pdfium.wasmExports.free(state);
  }
  return [...found];
}

/** Returns the address of an action; empty where it has none. */
function actionAddress(pdfium: Pdfium, document: number, action: number): string {
  const bytes = 2048;
  const buffer = allocate(pdfium, bytes);
  try {
    const needed = pdfium._FPDFAction_GetURIPath(document, action, buffer, bytes);
    if (needed < 2 || needed > bytes) return '';
    return Buffer.from(pdfium.HEAPU8.subarray(buffer, buffer + needed - 1)).toString('utf8');
  } finally {
    pdfium.wasmExports.free(buffer);
  }
}

function outline(pdfium: Pdfium, document: number, most: number): Map<number, string> {
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

/** Titles are UTF-16LE with a terminating zero. */
function bookmarkTitle(pdfium: Pdfium, bookmark: number): string {
  const bytes = Math.min(4096, pdfium._FPDFBookmark_GetTitle(bookmark, 0, 0));
  const buffer = allocate(pdfium, bytes);
  try {
    const needed = pdfium._FPDFBookmark_GetTitle(bookmark, buffer, bytes);
    if (needed > bytes) return '';
    const text = Buffer.from(pdfium.HEAPU8.subarray(buffer, buffer + bytes)).toString('utf16le');
    return text.replace(/\0.*$/s, '').trim();
  } finally {
    pdfium.wasmExports.free(buffer);
  }
}
