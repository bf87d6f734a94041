export { decodeText, plainText } from './plain-text.ts';
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
