import { ModelError } from '../../onnx/index.ts';
import type { PaddedImage } from './hd-transform.ts';

/** Bytes before the pixels: width, height and num_crops as little-endian uint32. */
const HEADER = 12;

/** A picture after the HD transform as a file: the header, then packed RGB rows. */
export function encodePaddedImage(image: PaddedImage): Uint8Array {
  const bytes = new Uint8Array(HEADER + image.data.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, image.width, true);
  view.setUint32(4, image.height, true);
  view.setUint32(8, image.numCrops, true);
  bytes.set(image.data, HEADER);
  return bytes;
}

/** @throws ModelError `image_invalid` when `bytes` are not what `encodePaddedImage` makes. */
export function decodePaddedImage(bytes: Uint8Array): PaddedImage {
  if (bytes.byteLength < HEADER)
    throw new ModelError('image_invalid', 'The preprocessed picture is cut off.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER);
  const image: PaddedImage = {
    width: view.getUint32(0, true),
    height: view.getUint32(4, true),
    numCrops: view.getUint32(8, true),
    data: bytes.subarray(HEADER),
  };
  if (image.data.byteLength !== image.width * image.height * 3) {
    throw new ModelError('image_invalid', 'The preprocessed picture is not as long as it says.');
  }
  return image;
}
