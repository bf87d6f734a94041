/** Opens a PDF with PDFium. Its memory is freed with the last reference. No script in it is executed. */
import type { Size } from '../images/index.ts';
import { installFallbackFont } from './fallback-font.ts';
import { type PdfAnnotation, readAnnotations } from './pdf-annotations.ts';
import { readLinks, readOutline } from './pdf-links.ts';
import {
  type Box,
  charRectangle,
  type GlyphlessChar,
  glyphlessChars,
  type PdfChar,
  readChars,
} from './pdf-text.ts';
import { allocate, copyIn, loadPdfium, PdfError, type Pdfium, withBuffer } from './pdfium-module.ts';

export interface PdfPage {
  /** Size in points as displayed, after the rotation of the page. */
  readonly size: Size;
  /** Renders the page on white as packed RGB in a new buffer, with its annotations and form fields. */
  render(size: Size): Uint8Array;
  /** The text layer in reading order, at most `most` characters. */
  chars(most: number): PdfChar[];
  /** The boxes of the first `count` characters, in pixels of the page rendered at `size`. */
  boxes(count: number, size: Size): Box[];
  /** The text that annotations display, with boxes in pixels of the page rendered at `size`. */
  annotations(size: Size): PdfAnnotation[];
  /** Those of the first `most` characters that cannot be drawn for want of a font; boxes in pixels. */
  glyphless(most: number, size: Size): GlyphlessChar[];
  /** Addresses of its links without duplicates, at most `most`. */
  links(most: number): string[];
  close(): void;
}

export interface PdfDocument {
  readonly pages: number;
  /** Opens page `index`, from 0. Throws PdfError. */
  open(index: number): PdfPage;
  /** Titles of the outline by page index, the first one of each page; at most `most` entries are read. */
  outline(most: number): Map<number, string>;
}

const BGR = 2; // FPDFBitmap_BGR
const ANNOTATIONS = 0x01; // FPDF_ANNOT
const REVERSE_BYTE_ORDER = 0x10; // FPDF_REVERSE_BYTE_ORDER: RGB
const WHITE = 0xffffffff;
/** Larger than FPDF_FORMFILLINFO. All its callbacks are null: nothing happens by itself, and no script runs. */
const FORM_INFO_BYTES = 512;

/** Opens the PDF in `bytes`, with another font in place of the fonts `replaced`. Throws PdfError. */
export async function openPdf(
  bytes: Uint8Array,
  password?: string,
  replaced: readonly string[] = [],
): Promise<PdfDocument> {
  const pdfium = await loadPdfium();
  pdfium._FPDF_InitLibrary();
  installFallbackFont(pdfium, replaced);
  const data = copyIn(pdfium, bytes);
  const secret = password === undefined ? 0 : copyIn(pdfium, Buffer.from(`${password}\0`));
  const document = pdfium._FPDF_LoadMemDocument(data, bytes.length, secret);
  if (secret !== 0) pdfium.wasmExports.free(secret);
  if (document === 0) {
    const code = pdfium._FPDF_GetLastError();
    throw new PdfError(code === 4 ? 'password' : code === 5 ? 'security' : 'damaged');
  }
  const form = openForm(pdfium, document);
  return {
    pages: pdfium._FPDF_GetPageCount(document),
    open: (index) => openPage(pdfium, document, form, index),
    outline: (most) => readOutline(pdfium, document, most),
  };
}

/**
 * Form fields are drawn and read through a form environment. Returns 0 for a document without form. XFA forms
 * are ignored: this build displays what the document contains for readers without XFA.
 */
function openForm(pdfium: Pdfium, document: number): number {
  if (pdfium._FPDF_GetFormType(document) === 0) return 0;
  const info = allocate(pdfium, FORM_INFO_BYTES);
  pdfium.HEAPU8.fill(0, info, info + FORM_INFO_BYTES);
  pdfium.HEAPU8[info] = 1; // version
  const form = pdfium._FPDFDOC_InitFormFillEnvironment(document, info);
  if (form !== 0) pdfium._FPDF_SetFormFieldHighlightAlpha(form, 0);
  return form;
}

function openPage(pdfium: Pdfium, document: number, form: number, index: number): PdfPage {
  const page = pdfium._FPDF_LoadPage(document, index);
  if (page === 0) throw new PdfError('damaged');
  if (form !== 0) pdfium._FORM_OnAfterLoadPage(page, form);
  let layer: number | undefined;
  const textLayer = (): number => {
    layer ??= pdfium._FPDFText_LoadPage(page);
    return layer;
  };
  const inPixels = <T extends { readonly box: Box }>(items: readonly T[], size: Size): T[] =>
    items.map((item) => ({ ...item, box: toPixels(pdfium, page, item.box, size) }));
  return {
    size: { width: pdfium._FPDF_GetPageWidth(page), height: pdfium._FPDF_GetPageHeight(page) },
    render: (size) => render(pdfium, page, form, size),
    chars: (most) => (textLayer() === 0 ? [] : readChars(pdfium, textLayer(), most)),
    boxes: (count, size) =>
      Array.from({ length: count }, (_, char) =>
        toPixels(pdfium, page, charRectangle(pdfium, textLayer(), char), size),
      ),
    annotations: (size) => inPixels(readAnnotations(pdfium, page, form), size),
    glyphless: (most, size) =>
      textLayer() === 0 ? [] : inPixels(glyphlessChars(pdfium, textLayer(), most), size),
    links: (most) => readLinks(pdfium, document, page, most),
    close() {
      if (layer) pdfium._FPDFText_ClosePage(layer);
      if (form !== 0) pdfium._FORM_OnBeforeClosePage(page, form);
      pdfium._FPDF_ClosePage(page);
    },
  };
}

/** From coordinates of the page to pixels of its image: also turns the box as the page is turned. */
function toPixels(pdfium: Pdfium, page: number, box: Box, { width, height }: Size): Box {
  return withBuffer(pdfium, 8, (pointer) => {
    const corners = [
      [box.left, box.top],
      [box.right, box.bottom],
    ].map(([x = 0, y = 0]) => {
      pdfium._FPDF_PageToDevice(page, 0, 0, width, height, 0, x, y, pointer, pointer + 4);
      const view = new DataView(pdfium.HEAPU8.buffer, pointer, 8);
      return { x: view.getInt32(0, true), y: view.getInt32(4, true) };
    });
    const xs = corners.map(({ x }) => x);
    const ys = corners.map(({ y }) => y);
    return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
  });
}

function render(pdfium: Pdfium, page: number, form: number, { width, height }: Size): Uint8Array {
  const stride = Math.ceil((width * 3) / 4) * 4;
  const data = allocate(pdfium, stride * height);
  try {
    const bitmap = pdfium._FPDFBitmap_CreateEx(width, height, BGR, data, stride);
    if (bitmap === 0) throw new PdfError('damaged');
    pdfium._FPDFBitmap_FillRect(bitmap, 0, 0, width, height, WHITE);
    pdfium._FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, ANNOTATIONS | REVERSE_BYTE_ORDER);
    if (form !== 0) pdfium._FPDF_FFLDraw(form, bitmap, page, 0, 0, width, height, 0, REVERSE_BYTE_ORDER);
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
