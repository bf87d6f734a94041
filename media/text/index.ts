export { decodeText } from './decode-text.ts';
export { plainText } from './plain-text.ts';
export {
  childrenOf,
  descendants,
  elementsOf,
  find,
  parseXml,
  rejectDocumentType,
  textOf,
  type XmlElement,
  XmlError,
} from './xml.ts';
