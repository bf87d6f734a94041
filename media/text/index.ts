export { decodeText } from './decode-text.ts';
export { plainText } from './plain-text.ts';
export {
  childrenOf,
  descendants,
  find,
  parseXml,
  rejectDocumentType,
  textOf,
  type XmlElement,
  XmlError,
} from './xml.ts';
