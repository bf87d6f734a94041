export { decodeText, plainText } from './plain-text.ts';
export {
  childrenOf,
  descendants,
  find,
  parseXml,
  refuseDocumentType,
  textOf,
  type XmlElement,
  XmlError,
} from './xml.ts';
