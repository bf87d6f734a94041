/** Identifies ZIP packages and legacy Office documents by their contents. */
import type { FileHandle } from 'node:fs/promises';
import { FrameloomError } from '../../core/errors.ts';
import { openZip, type ZipPackage } from '../archive/index.ts';

/** Content type of a presentation, with or without macros, and of a slide show. */
const PRESENTATION_TYPE =
  /application\/vnd\.(openxmlformats-officedocument\.presentationml|ms-powerpoint)\.(presentation|slideshow|template)[.\w]*\.main\+xml/;
const MAX_TYPES_BYTES = 4 * 2 ** 20;

const MIMETYPES: Readonly<Record<string, string>> = {
  'application/vnd.oasis.opendocument.presentation': 'an OpenDocument presentation (ODP)',
  'application/vnd.oasis.opendocument.presentation-template': 'an OpenDocument presentation (ODP)',
  'application/vnd.oasis.opendocument.text': 'an OpenDocument text (ODT)',
  'application/vnd.oasis.opendocument.spreadsheet': 'an OpenDocument spreadsheet (ODS)',
};

/** Returns `pptx`, or throws `unsupported_media` with the name of the format and the next step. */
export async function detectPackageKind(path: string): Promise<'pptx'> {
  using zip = await openZip(path);
  const has = (name: string): boolean => zip.files.has(name);
  if (has('ppt/presentation.xml') || (await declaresPresentation(zip))) return 'pptx';
  const mimetype = (await zip.read('mimetype', 200).catch(() => undefined))?.toString('latin1').trim() ?? '';
  const document = MIMETYPES[mimetype];
  if (document !== undefined) throw unsupported(document);
  if (has('Index/Document.iwa') || has('index.apxl') || has('index.apxl.gz'))
    throw unsupported('a Keynote presentation');
  if (has('word/document.xml')) throw unsupported('a Word document (DOCX)');
  if (has('xl/workbook.xml')) throw unsupported('an Excel workbook (XLSX)');
  throw new FrameloomError(
    'unsupported_media',
    'The file is a ZIP archive, which is not supported. Upload the files in it.',
  );
}

/** Whether the list of content types names a presentation: its file may have any name. */
async function declaresPresentation(zip: ZipPackage): Promise<boolean> {
  const types = await zip.read('[Content_Types].xml', MAX_TYPES_BYTES).catch(() => undefined);
  return types !== undefined && PRESENTATION_TYPE.test(types.toString('latin1'));
}

function unsupported(name: string): FrameloomError {
  return new FrameloomError(
    'unsupported_media',
    `The file is ${name}, which is not supported. Save it as PDF or PPTX.`,
  );
}

/**
 * Returns the error for a legacy Office document (OLE compound file). A PPTX with a password is one as well,
 * around the encrypted package: its directory, at the sector that the header names (MS-CFB 2.2), shows that.
 */
export async function legacyOfficeError(file: FileHandle, head: Buffer): Promise<FrameloomError> {
  const sector = 1 << Math.min(12, head.length >= 52 ? head.readUInt16LE(30) : 9);
  const directory = head.length >= 52 ? head.readUInt32LE(48) : 0;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, (directory + 1) * sector);
  if (buffer.subarray(0, bytesRead).includes(Buffer.from('EncryptedPackage', 'utf16le'))) {
    return new FrameloomError(
      'encrypted_media',
      'The Office document is protected by a password. Save it without one, or as PDF.',
    );
  }
  return new FrameloomError(
    'unsupported_media',
    'The file is a legacy Office document (PPT), which is not supported. Save it as PPTX or PDF.',
  );
}
