import { ModelError } from '../../onnx/index.ts';
import type { PaddedImage } from './hd-transform.ts';

/** Width, height and num_crops as little-endian uint32. */
const HEADER_BYTES = 12;

/**
 * The content of an image file for `GenerateRequest.images`: width, height and number of crops as
 * little-endian uint32, then packed 8-bit RGB rows.
 */
export function encodePaddedImage(image: PaddedImage): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + image.data.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, image.width, true);
  view.setUint32(4, image.height, true);
  view.setUint32(8, image.numCrops, true);
  bytes.set(image.data, HEADER_BYTES);
  return bytes;
}

/**
 * The reverse of `encodePaddedImage`. The pixels are a view of `bytes`.
 *
 * @throws ModelError `image_invalid` when `bytes` are too short or their length does not match the size.
 */
export function decodePaddedImage(bytes: Uint8Array): PaddedImage {
  if (bytes.byteLength < HEADER_BYTES)
    throw new ModelError('image_invalid', 'The preprocessed image is truncated.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const image: PaddedImage = {
    width: view.getUint32(0, true),
    height: view.getUint32(4, true),
    numCrops: view.getUint32(8, true),
    data: bytes.subarray(HEADER_BYTES),
  };
  if (image.data.byteLength !== image.width * image.height * 3) {
    throw new ModelError('image_invalid', 'The length of the preprocessed image does not match its size.');
  }
  return image;
}
