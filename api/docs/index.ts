export { openApiDocument, registerComponents } from './openapi.ts';
export { REFERENCE_STYLE, referencePage } from './reference-page.ts';
