export { openApiDocument, registerSecurity } from './openapi.ts';
export { REFERENCE_STYLE, referencePage } from './reference-page.ts';
