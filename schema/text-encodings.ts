/** Encodings of text files that can be named, by the names of the Encoding Standard in lower case. */
import { z } from 'zod';

export const TextEncodings = z
  .enum([
    ...(['utf-8', 'utf-16le', 'utf-16be', 'windows-1250', 'windows-1251', 'windows-1252'] as const),
    ...(['windows-1253', 'windows-1254', 'windows-1255', 'windows-1256', 'windows-1257'] as const),
    ...(['windows-1258', 'windows-874', 'iso-8859-2', 'iso-8859-3', 'iso-8859-4', 'iso-8859-5'] as const),
    ...(['iso-8859-6', 'iso-8859-7', 'iso-8859-8', 'iso-8859-10', 'iso-8859-13', 'iso-8859-14'] as const),
    ...(['iso-8859-15', 'iso-8859-16', 'koi8-r', 'koi8-u', 'ibm866', 'macintosh'] as const),
    ...([
      'x-mac-cyrillic',
      'shift_jis',
      'euc-jp',
      'iso-2022-jp',
      'gbk',
      'gb18030',
      'big5',
      'euc-kr',
    ] as const),
  ])
  .meta({ id: 'TextEncoding' });
export type TextEncoding = z.infer<typeof TextEncodings>;
