/** The image library sharp, in its CommonJS build: Node 20.9 cannot parse the ES modules of sharp 0.35, 20.10 can. */
import { createRequire } from 'node:module';
import type sharpModule from 'sharp';

const require = createRequire(import.meta.url);

export const sharp = require('sharp') as typeof sharpModule; // both builds export the same function
