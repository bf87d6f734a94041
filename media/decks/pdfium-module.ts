/**
 * PDFium, compiled to WebAssembly. The package's own engine renders for a viewer, so this project calls the C
 * functions (fpdfview.h, fpdf_text.h, fpdf_doc.h, fpdf_annot.h, fpdf_formfill.h) itself. Each document has a
 * separate instance, which contains leaks and crashes.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { init } from '@embedpdf/pdfium';

type Call<A extends readonly unknown[] = readonly number[]> = (...args: A) => number;
type Rectangle = [x: number, y: number, width: number, height: number];

/** The functions used here. Handles and pointers are numbers; 0 is null. */
export interface Pdfium {
  _FPDF_InitLibrary(): void;
  _FPDF_SetSystemFontInfo(info: number): void;
  _FPDF_LoadMemDocument: Call<[data: number, bytes: number, password: number]>;
  _FPDF_CloseDocument(document: number): void;
  _FPDF_GetLastError: Call<[]>;
  _FPDF_GetPageCount: Call<[document: number]>;
  _FPDF_LoadPage: Call<[document: number, index: number]>;
  _FPDF_ClosePage(page: number): void;
  _FPDF_GetPageWidth: Call<[page: number]>;
  _FPDF_GetPageHeight: Call<[page: number]>;
  _FPDF_PageToDevice: Call<
    [page: number, ...Rectangle, rotate: number, x: number, y: number, deviceX: number, deviceY: number]
  >;
  _FPDFBitmap_CreateEx: Call<[width: number, height: number, format: number, data: number, stride: number]>;
  _FPDFBitmap_FillRect: Call<[bitmap: number, ...Rectangle, argb: number]>;
  _FPDFBitmap_Destroy(bitmap: number): void;
  _FPDF_RenderPageBitmap: Call<[bitmap: number, page: number, ...Rectangle, rotate: number, flags: number]>;
  _FPDF_GetFormType: Call<[document: number]>;
  _FPDFDOC_InitFormFillEnvironment: Call<[document: number, info: number]>;
  _FPDF_SetFormFieldHighlightAlpha(form: number, alpha: number): void;
  _FORM_OnAfterLoadPage(page: number, form: number): void;
  _FORM_OnBeforeClosePage(page: number, form: number): void;
  _FPDF_FFLDraw: Call<
    [form: number, bitmap: number, page: number, ...Rectangle, rotate: number, flags: number]
  >;
  _FPDFPage_GetAnnotCount: Call<[page: number]>;
  _FPDFPage_GetAnnot: Call<[page: number, index: number]>;
  _FPDFPage_CloseAnnot(annotation: number): void;
  _FPDFAnnot_GetSubtype: Call<[annotation: number]>;
  _FPDFAnnot_GetFlags: Call<[annotation: number]>;
  _FPDFAnnot_GetRect: Call<[annotation: number, rectangle: number]>;
  _FPDFAnnot_GetStringValue: Call<[annotation: number, key: number, buffer: number, bytes: number]>;
  _FPDFAnnot_GetFormFieldType: Call<[form: number, annotation: number]>;
  _FPDFAnnot_GetFormFieldFlags: Call<[form: number, annotation: number]>;
  _FPDFAnnot_GetFormFieldValue: Call<[form: number, annotation: number, buffer: number, bytes: number]>;
  _FPDFAnnot_IsChecked: Call<[form: number, annotation: number]>;
  _FPDFAnnot_GetOptionCount: Call<[form: number, annotation: number]>;
  _FPDFAnnot_IsOptionSelected: Call<[form: number, annotation: number, index: number]>;
  _FPDFAnnot_GetOptionLabel: Call<
    [form: number, annotation: number, index: number, buffer: number, bytes: number]
  >;
  /** Of this build: a document whose page is the appearance of an annotation. */
  _EPDFAnnot_ExportAppearanceAsDocument: Call<[annotation: number]>;
  _FPDFText_LoadPage: Call<[page: number]>;
  _FPDFText_ClosePage(text: number): void;
  _FPDFText_CountChars: Call<[text: number]>;
  _FPDFText_GetUnicode: Call<[text: number, index: number]>;
  _FPDFText_GetFontSize: Call<[text: number, index: number]>;
  _FPDFText_GetLooseCharBox: Call<[text: number, index: number, rectangle: number]>;
  _FPDFText_GetTextObject: Call<[text: number, index: number]>;
  _FPDFTextObj_GetFont: Call<[object: number]>;
  _FPDFTextObj_GetTextRenderMode: Call<[object: number]>;
  _FPDFFont_GetIsEmbedded: Call<[font: number]>;
  _FPDFFont_GetBaseFontName: Call<[font: number, buffer: number, bytes: number]>;
  _FPDFFont_GetGlyphPath: Call<[font: number, unicode: number, size: number]>;
  _FPDFBookmark_GetFirstChild: Call<[document: number, bookmark: number]>;
  _FPDFBookmark_GetNextSibling: Call<[document: number, bookmark: number]>;
  _FPDFBookmark_GetTitle: Call<[bookmark: number, buffer: number, bytes: number]>;
  _FPDFBookmark_GetDest: Call<[document: number, bookmark: number]>;
  _FPDFBookmark_GetAction: Call<[bookmark: number]>;
  _FPDFAction_GetDest: Call<[document: number, action: number]>;
  _FPDFDest_GetDestPageIndex: Call<[document: number, destination: number]>;
  _FPDFLink_Enumerate: Call<[page: number, position: number, link: number]>;
  _FPDFLink_GetAction: Call<[link: number]>;
  _FPDFAction_GetURIPath: Call<[document: number, action: number, buffer: number, bytes: number]>;
  addFunction(call: (...args: number[]) => number | undefined, signature: string): number;
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

export async function loadPdfium(): Promise<Pdfium> {
  const wasmBinary = await readFile(fileURLToPath(import.meta.resolve('@embedpdf/pdfium/pdfium.wasm')));
  const silent = { print: () => undefined, printErr: () => undefined };
  const { pdfium } = await init({ wasmBinary, ...silent } as Parameters<typeof init>[0]);
  // The package declares only the functions that it wraps.
  return pdfium as unknown as Pdfium;
}

/** @throws RangeError without memory */
export function allocate(pdfium: Pdfium, bytes: number): number {
  const pointer = pdfium.wasmExports.malloc(Math.max(1, bytes));
  if (pointer === 0) throw new RangeError('PDFium is out of memory');
  return pointer;
}

export function copyIn(pdfium: Pdfium, bytes: Uint8Array): number {
  const pointer = allocate(pdfium, bytes.length);
  pdfium.HEAPU8.set(bytes, pointer);
  return pointer;
}

/** Calls `use` with a zeroed buffer, which is freed afterwards. */
export function withBuffer<T>(pdfium: Pdfium, bytes: number, use: (pointer: number) => T): T {
  const pointer = allocate(pdfium, bytes);
  try {
    pdfium.HEAPU8.fill(0, pointer, pointer + bytes);
    return use(pointer);
  } finally {
    pdfium.wasmExports.free(pointer);
  }
}

/**
 * Reads a string from a function that writes it into a buffer and returns the bytes it needs, a terminating
 * zero included. A string that needs more than `most` bytes is empty.
 */
export function readString(
  pdfium: Pdfium,
  encoding: 'utf16le' | 'utf8',
  most: number,
  write: (buffer: number, bytes: number) => number,
): string {
  const needed = write(0, 0);
  if (needed <= 0 || needed > most) return '';
  return withBuffer(pdfium, needed, (buffer) => {
    const written = Math.min(needed, write(buffer, needed));
    const text = Buffer.from(pdfium.HEAPU8.subarray(buffer, buffer + written)).toString(encoding);
    return text.replace(/\0.*$/s, '').trim();
  });
}
