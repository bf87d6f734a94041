/** Text that annotations display on a page: values of form fields, free text, stamps and watermarks. */

import { type Box, readChars, rectangleAt } from './pdf-text.ts';
import { type Pdfium, readString, withBuffer } from './pdfium-module.ts';

export interface PdfAnnotation {
  readonly text: string;
  /** In the coordinates of the page. */
  readonly box: Box;
}

const [FREE_TEXT, STAMP, WIDGET, WATERMARK] = [3, 13, 20, 24]; // FPDF_ANNOT_*
const [PUSH_BUTTON, CHECK_BOX, RADIO_BUTTON, COMBO_BOX, LIST_BOX, TEXT_FIELD] = [1, 2, 3, 4, 5, 6]; // FPDF_FORMFIELD_*
const HIDDEN = 0x02 | 0x20; // flags Hidden and NoView of an annotation
const PASSWORD = 1 << 13; // flag of a text field
const MAX_ANNOTATIONS = 5000;
const MAX_OPTIONS = 1000;
const MAX_VALUE_BYTES = 2 ** 16;

/** Returns the annotations of a page that display text. `form` is 0 for a document without form. */
export function readAnnotations(pdfium: Pdfium, page: number, form: number): PdfAnnotation[] {
  const count = Math.min(MAX_ANNOTATIONS, pdfium._FPDFPage_GetAnnotCount(page));
  const found: PdfAnnotation[] = [];
  for (let index = 0; index < count; index++) {
    const annotation = pdfium._FPDFPage_GetAnnot(page, index);
    if (annotation === 0) continue;
    try {
      if ((pdfium._FPDFAnnot_GetFlags(annotation) & HIDDEN) !== 0) continue;
      const text = textOf(pdfium, annotation, form);
      if (text === '') continue;
      found.push({ text, box: rectangleOf(pdfium, annotation) });
    } finally {
      pdfium._FPDFPage_CloseAnnot(annotation);
    }
  }
  return found;
}

function rectangleOf(pdfium: Pdfium, annotation: number): Box {
  return withBuffer(pdfium, 16, (pointer) => {
    pdfium._FPDFAnnot_GetRect(annotation, pointer);
    return rectangleAt(pdfium, pointer);
  });
}

function textOf(pdfium: Pdfium, annotation: number, form: number): string {
  switch (pdfium._FPDFAnnot_GetSubtype(annotation)) {
    case WIDGET:
      return form === 0 ? '' : fieldText(pdfium, annotation, form);
    case FREE_TEXT:
      return contents(pdfium, annotation) || appearanceText(pdfium, annotation);
    case STAMP:
    case WATERMARK:
      // The contents of a stamp are a comment, often about something else than it displays.
      return appearanceText(pdfium, annotation) || contents(pdfium, annotation);
    default:
      return '';
  }
}

function fieldText(pdfium: Pdfium, annotation: number, form: number): string {
  const value = (): string =>
    readString(pdfium, 'utf16le', MAX_VALUE_BYTES, (buffer, bytes) =>
      pdfium._FPDFAnnot_GetFormFieldValue(form, annotation, buffer, bytes),
    );
  switch (pdfium._FPDFAnnot_GetFormFieldType(form, annotation)) {
    case CHECK_BOX:
      return pdfium._FPDFAnnot_IsChecked(form, annotation) !== 0 ? '[x]' : '[ ]';
    case RADIO_BUTTON:
      return pdfium._FPDFAnnot_IsChecked(form, annotation) !== 0 ? '(x)' : '( )';
    case COMBO_BOX:
    case LIST_BOX:
      return selectedOptions(pdfium, annotation, form) || value();
    case TEXT_FIELD:
      return (pdfium._FPDFAnnot_GetFormFieldFlags(form, annotation) & PASSWORD) !== 0 ? '' : value();
    case PUSH_BUTTON:
      return appearanceText(pdfium, annotation);
    default:
      return '';
  }
}

function selectedOptions(pdfium: Pdfium, annotation: number, form: number): string {
  const count = Math.min(MAX_OPTIONS, pdfium._FPDFAnnot_GetOptionCount(form, annotation));
  const labels: string[] = [];
  for (let index = 0; index < count; index++) {
    if (pdfium._FPDFAnnot_IsOptionSelected(form, annotation, index) === 0) continue;
    labels.push(
      readString(pdfium, 'utf16le', MAX_VALUE_BYTES, (buffer, bytes) =>
        pdfium._FPDFAnnot_GetOptionLabel(form, annotation, index, buffer, bytes),
      ),
    );
  }
  return labels.filter((label) => label !== '').join(', ');
}

function contents(pdfium: Pdfium, annotation: number): string {
  return withBuffer(pdfium, 16, (key) => {
    pdfium.HEAPU8.set(Buffer.from('Contents\0'), key);
    return readString(pdfium, 'utf16le', MAX_VALUE_BYTES, (buffer, bytes) =>
      pdfium._FPDFAnnot_GetStringValue(annotation, key, buffer, bytes),
    );
  });
}

/** The text that the appearance of an annotation draws. */
function appearanceText(pdfium: Pdfium, annotation: number): string {
  const document = pdfium._EPDFAnnot_ExportAppearanceAsDocument(annotation);
  if (document === 0) return '';
  const page = pdfium._FPDF_LoadPage(document, 0);
  const text = page === 0 ? 0 : pdfium._FPDFText_LoadPage(page);
  try {
    if (text === 0) return '';
    const chars = readChars(pdfium, text, MAX_VALUE_BYTES);
    return chars
      .map((char) => char.text)
      .join('')
      .trim();
  } finally {
    if (text !== 0) pdfium._FPDFText_ClosePage(text);
    if (page !== 0) pdfium._FPDF_ClosePage(page);
    pdfium._FPDF_CloseDocument(document);
  }
}
